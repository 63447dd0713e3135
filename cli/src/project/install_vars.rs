//! The variables that an installation of a plugin gets from the project.

use melisma_sdk::Result;

use super::expand::Lookup;
use super::plugin::Plugin;
use super::vars::information;
use super::{Project, Vars, expand_all};

impl Project {
    /// The variables of the installer's process.
    pub(crate) fn installer_vars(&self) -> Vars {
        let mut vars = self.os.clone();
        for layer in [&self.dotenv, &self.env] {
            vars.extend(layer.clone());
        }
        vars
    }

    /// Expands a `pip_url` with the variables that Meltano expands it with, so that the fingerprints of both agree; `vars` come
    /// last.
    pub(crate) fn expand_pip_url(
        &self,
        plugin: &Plugin,
        url: &str,
        mut vars: Vars,
        strict: bool,
    ) -> Result<String> {
        let shell = Lookup::new([&self.os], self.strict);
        let mut own = self.os.clone();
        own.extend(self.own_vars.clone());
        own.extend(self.env.clone());
        let own = expand_all(&own, &shell)?;
        vars.extend(own.clone());
        vars.extend(expand_all(&self.dotenv, &shell)?);
        vars.extend(information(plugin));
        vars.extend(expand_all(&plugin.env, &Lookup::new([&own], self.strict))?);
        Lookup::new([&vars], strict).text(url)
    }
}
