//! The repository's own files, for the tests that compare what is written with what is true.

use std::fs;
use std::path::{Path, PathBuf};

use serde_yaml_ng::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file's text; `path` is relative to the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of the folders in a folder, sorted.
pub(crate) fn folders(path: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(path)).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every Rust file under some folders: its path and its text.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<(String, String)> {
    files(folders, "rs")
}

/// Every document: its path and its text.
pub(crate) fn documents() -> Vec<(String, String)> {
    let mut found = files(&["docs"], "md");
    for path in ["README.md", "CHANGELOG.md"] {
        found.push((path.to_owned(), read(path)));
    }
    found
}

fn files(folders: &[&str], extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&root(), Path::new(folder), extension, &mut found);
    }
    found.sort();
    assert!(!found.is_empty(), "no {extension} files under {folders:?}");
    found
}

fn collect(root: &Path, folder: &Path, wanted: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(root.join(folder)).unwrap().map(Result::unwrap) {
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            collect(root, &path, wanted, found);
        } else if path.extension().is_some_and(|extension| extension == wanted) {
            found.push((path.display().to_string(), fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// The text without its comments, line by line with numbers from 1.
pub(crate) fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// template.yaml, parsed.
pub(crate) fn template() -> Value {
    serde_yaml_ng::from_str(&read("template.yaml")).unwrap()
}

/// The functions' names, in the order in which the workspace lists them.
pub(crate) fn functions() -> Vec<String> {
    let manifest = read("Cargo.toml");
    let paths =
        manifest.lines().filter_map(|line| line.split_once("path = \"functions/")).map(|(_, rest)| rest);
    paths.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}
