//! What a state backend needs of a place for states.

use melisma_sdk::Result;

/// Objects by their names, which have slashes.
pub(super) trait Objects: Send {
    /// The content of an object; `None` when there is none.
    fn read(&self, name: &str) -> Result<Option<String>>;

    /// Creates or replaces an object as a whole.
    fn write(&self, name: &str, content: &str) -> Result<()>;

    /// Creates an object; `false` when it exists.
    fn create(&self, name: &str, content: &str) -> Result<bool>;

    /// Removes an object, if there is one.
    fn remove(&self, name: &str) -> Result<()>;

    /// Removes a folder that is empty; does nothing to any other.
    fn remove_folder(&self, name: &str);

    /// The names of the folders that have an object `name`, in order.
    fn folders_with(&self, name: &str) -> Result<Vec<String>>;

    /// Where they are, for people.
    fn location(&self) -> String;
}
