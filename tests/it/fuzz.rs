//! What the fuzzer kept is given to its targets once more, so that what was mended stays mended without a fuzzer.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::repository::{folders, read};

#[expect(unreachable_pub, reason = "the fuzzer's own crate has the same file")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

/// Far more than any of these bytes need, on whatever machine.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn nothing_in_the_corpora_is_too_much() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in targets::TARGETS {
        let mut files: Vec<_> =
            fs::read_dir(corpora.join(name)).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        assert!(files.len() >= 3, "the corpus of {name} is almost empty");
        for file in files {
            let bytes = fs::read(&file).unwrap();
            let started = Instant::now();
            target(&bytes);
            assert!(started.elapsed() < LONGEST, "{} took {:?}", file.display(), started.elapsed());
        }
    }
}

#[test]
fn every_target_is_built_run_and_has_a_corpus() {
    let names: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(folders("tests/fuzz/corpus"), names);
    let (package, makefile) = (read("tests/fuzz/Cargo.toml"), read("Makefile"));
    for name in names {
        let program = read(&format!("tests/fuzz/fuzz_targets/{name}.rs"));
        assert!(program.contains(&format!("pomarium_fuzz::{name}(bytes)")), "{name} fuzzes something else");
        assert!(
            package.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")),
            "{name} is not built"
        );
    }
    assert!(makefile.contains("tests/fuzz/fuzz_targets/*.rs"), "make fuzz runs what it finds");
}
