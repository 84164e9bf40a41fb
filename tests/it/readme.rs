//! The README's first session works when pasted.

use std::fs;
use std::process::Command;

use pomarium_tests::TestApp;

const README: &str = include_str!("../../README.md");

/// What a person pastes: every block marked as shell.
fn pasted() -> String {
    let blocks = README.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_session_works_when_pasted() {
    let app = TestApp::start_by_itself().await;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".pomarium")).unwrap();
    fs::write(folder.path().join(".pomarium/operator-token"), app.runner.operator_token.expose()).unwrap();
    let session = pasted().replace("http://127.0.0.1:8080", app.runner.base_url());

    let mut shell = Command::new("timeout");
    shell.args(["60", "bash", "-eu", "-c", &session]).current_dir(folder.path());
    let output =
        tokio::task::spawn_blocking(move || shell.output()).await.unwrap().expect("bash and curl are here");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains("urn:pomarium:error:"), "{said}");
    for expected in
        ["\"source\":\"New\"", "\"state\":\"enrolled\"", "\"status\":\"Acknowledged\"", "\"sent\":1"]
    {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}
