//! `cargo xtask wheels --check`: the wheels are installed as people install them, and what they install runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, sh};

/// Installs the wheel of melisma by uv and by pip, and the others by pip, without a network; then runs each program.
pub(crate) fn run(wheels: &Path, uv: &Path) -> Result {
    let home = sh::target().join("wheels-check");
    if home.exists() {
        fs::remove_dir_all(&home).map_err(|e| format!("cannot remove {}: {e}", home.display()))?;
    }
    let melisma = newest(wheels, "melisma")?;
    let mut install = Command::new(uv);
    install.args(["tool", "install", "--no-index"]).arg(&melisma);
    // uv keeps tools, and links to them, in the home of the user.
    sh::run(
        install
            .env("HOME", &home)
            .env("UV_TOOL_DIR", home.join("tools"))
            .env("UV_TOOL_BIN_DIR", home.join("bin")),
    )?;
    first_run(&home.join("bin/melisma"), &home.join("run-by-uv"))?;

    let venv = home.join("venv");
    sh::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let pip = |wheel: &Path| {
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-index",
        ]);
        sh::run(pip.arg(wheel))
    };
    pip(&melisma)?;
    first_run(&venv.join("bin/melisma"), &home.join("run-by-pip"))?;
    for plugin in plugins(wheels)? {
        pip(&newest(wheels, &format!("melisma_{}", plugin.replace('-', "_")))?)?;
        version(&venv.join("bin").join(&plugin), &plugin)?;
    }
    println!("the wheels of {} can be installed, and run", wheels.display());
    Ok(())
}

/// From nothing to a file with rows, as the README has it.
fn first_run(melisma: &Path, folder: &Path) -> Result {
    version(melisma, "melisma")?;
    fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    let call = |folder: &Path, args: &[&str]| {
        let mut command = Command::new(melisma);
        command.args(args).current_dir(folder);
        // Nothing but what was just installed.
        command
            .env_clear()
            .env("HOME", folder)
            .env("PATH", "/usr/bin:/bin");
        sh::run(&mut command)
    };
    call(folder, &["init", "shop"])?;
    let shop = folder.join("shop");
    fs::write(shop.join("orders.csv"), "id,item\n1,tea\n2,cake\n").map_err(|e| e.to_string())?;
    call(&shop, &["add", "tap-csv", "target-jsonl"])?;
    let files = r#"[{"entity": "orders", "path": "orders.csv", "keys": ["id"]}]"#;
    call(&shop, &["config", "set", "tap-csv", "files", files])?;
    call(
        &shop,
        &["config", "set", "target-jsonl", "destination_path", "loaded"],
    )?;
    call(&shop, &["run", "tap-csv", "target-jsonl"])?;
    let loaded = shop.join("loaded/orders.jsonl");
    let rows = fs::read_to_string(&loaded).map_err(|e| format!("cannot read {}: {e}", loaded.display()))?;
    match rows.lines().count() {
        2 => Ok(()),
        other => Err(format!("{} has {other} rows, not 2", loaded.display())),
    }
}

/// The program says its name and the version of the workspace.
fn version(program: &Path, name: &str) -> Result {
    let said = sh::output(Command::new(program).arg("--version"))?;
    let expected = format!("{name} {}", env!("CARGO_PKG_VERSION"));
    if said.trim() == expected {
        return Ok(());
    }
    Err(format!(
        "{} --version says {:?}, not {expected:?}",
        program.display(),
        said.trim()
    ))
}

/// The plugins that have a wheel in the folder.
fn plugins(wheels: &Path) -> Result<Vec<String>> {
    let mut plugins: Vec<String> = names(wheels)?
        .iter()
        .filter_map(|name| {
            Some(
                name.strip_prefix("melisma_")?
                    .split('-')
                    .next()?
                    .replace('_', "-"),
            )
        })
        .collect();
    plugins.sort();
    plugins.dedup();
    Ok(plugins)
}

/// The wheel of that distribution that was built last.
fn newest(wheels: &Path, distribution: &str) -> Result<PathBuf> {
    let is_it = |name: &String| name.split('-').next() == Some(distribution);
    let paths = names(wheels)?
        .into_iter()
        .filter(is_it)
        .map(|name| wheels.join(name));
    let built = |path: &PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let newest = paths.max_by_key(built);
    newest.ok_or_else(|| format!("{} has no wheel of {distribution}", wheels.display()))
}

fn names(wheels: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(wheels).map_err(|e| format!("cannot read {}: {e}", wheels.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "whl"))
        .collect())
}
