//! A deployed stack, and Apple around it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use openssl::x509::X509;
use pomarium_local::apns::{ApnsSimulator, HOST};
use pomarium_local::portal::Portal;
use pomarium_tests::Api;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use shared::time::{Clock, DAY, SignedDuration};
use tokio::time::{Instant, sleep};

use super::aws::Aws;
use super::emulator::{Emulator, root};
use super::template::{BUCKET, STAGE, adapted};

/// The address that devices are told; the emulator answers at another one.
const PUBLIC: &str = "https://mdm.green.example";
/// Who mails come from; SES knows the address before the stack is deployed, as DEPLOY asks.
const SENDER: &str = "mdm@green.example";
/// A port that the template allows for pushes.
const APNS_PORT: u16 = 2197;
/// Files in each package: whom the functions trust in Apple's place.
const APNS_ROOTS: &str = "apns-roots.pem";
const PUSH_ROOTS: &str = "push-roots.pem";
/// The portal lives in the past, so that its certificates of a year have this many days left.
pub(crate) const DAYS_LEFT: i64 = 5;
/// Puts files into an archive as they are: packing them smaller would take longer than all the rest.
const ZIP: &str = "import sys, zipfile\nwith zipfile.ZipFile('../package.zip', 'w') as archive:\n    for name in sys.argv[1:]:\n        archive.write(name)";
/// How long deploying, and waiting for a schedule, may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// The stack.
pub(crate) struct Stack {
    /// Calls of AWS's.
    pub(crate) aws: Aws,
    /// Apple's push service.
    pub(crate) apns: Arc<ApnsSimulator>,
    /// Apple's push certificate portal.
    pub(crate) portal: Portal,
    /// Whoever runs the server.
    pub(crate) operator: Api,
    /// API Gateway, as a URL.
    pub(crate) gateway: String,
    /// The function's names.
    pub(crate) functions: Vec<String>,
    /// The emulator.
    pub(crate) emulator: Emulator,
}

impl Stack {
    pub(crate) async fn deploy() -> Self {
        let now = Clock::system().now();
        let past = now - SignedDuration::from_secs((365 - DAYS_LEFT) * DAY) + SignedDuration::from_hours(1);
        let portal = Portal::create(None, Clock::fixed(past)).unwrap();
        let listen = ([127, 0, 0, 1], APNS_PORT).into();
        let apns = ApnsSimulator::start(listen, &portal.issuer_roots(), Clock::system()).await;
        let apns = Arc::new(apns.expect("port 2197 is free"));
        let emulator = Emulator::start().await;
        let aws = Aws::new(&emulator.url);
        let trusted =
            [(APNS_ROOTS, pem(std::slice::from_ref(apns.root()))), (PUSH_ROOTS, pem(&portal.issuer_roots()))];
        let (template, functions) = adapted();
        aws.put(BUCKET, Vec::new()).await;
        for package in functions.values() {
            aws.put(&format!("{BUCKET}/{package}.zip"), zipped(&emulator, package, &trusted)).await;
        }
        aws.put(&format!("{BUCKET}/template.yaml"), template.into_bytes()).await;
        aws.verify_sender(SENDER).await;
        let gateway = create(&aws, &emulator.url).await;
        let token = operator_token(&aws).await;
        let operator = Api::new(&gateway, Some(&token));
        let functions =
            functions.into_values().map(|package| format!("pomarium-{STAGE}-{package}")).collect();
        Self { aws, apns, portal, operator, gateway, functions, emulator }
    }

    /// An address as devices and people are told it, at the emulator.
    pub(crate) fn here(&self, url: &str) -> String {
        let path = url.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{url} is not below {PUBLIC}"));
        format!("{}{path}", self.gateway)
    }

    /// Where an address leads to, if it is not the last one.
    pub(crate) async fn led_to(&self, url: &str) -> Option<String> {
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let answer = http.get(url).send().await.unwrap();
        answer.headers().get(LOCATION).map(|location| self.here(location.to_str().unwrap()))
    }

    /// Looks until there is something to see.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            if Instant::now() > deadline {
                panic!(
                    "{what}: not within {} s. {:?} {:#?}",
                    PATIENCE.as_secs(),
                    self.mails().await,
                    self.troubles().await
                );
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// What functions complain of.
    pub(crate) async fn troubles(&self) -> Vec<String> {
        let mut found = Vec::new();
        for function in &self.functions {
            let lines = self.aws.log(function).await.into_iter();
            let bad = |line: &String| {
                ["\"ERROR\"", "\"WARN\"", "AccessDenied"].iter().any(|word| line.contains(word))
            };
            found.extend(lines.filter(bad).map(|line| format!("{function}: {line}")));
        }
        found
    }

    /// Every mail so far: to whom, and what about.
    pub(crate) async fn mails(&self) -> Vec<(String, String)> {
        let seen = self.aws.inside("ses/messages").await;
        let accounts = seen["messages"].as_object().unwrap().values();
        let mails = accounts.flat_map(|mails| mails.as_array().unwrap());
        mails.map(|mail| (mail["To"].to_string(), mail["Subject"].to_string())).collect()
    }
}

fn pem(certificates: &[X509]) -> Vec<u8> {
    certificates.iter().flat_map(|certificate| certificate.to_pem().unwrap()).collect()
}

/// A function's package: its binary, and files beside it.
fn zipped(emulator: &Emulator, package: &str, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let folder = emulator.directory().join(package);
    std::fs::create_dir(&folder).unwrap();
    let binary = binaries().join(package);
    // A debug build is ten times as large with its symbols.
    run(Command::new("strip").arg("-o").arg(folder.join("bootstrap")).arg(&binary));
    for (name, content) in files {
        std::fs::write(folder.join(name), content).unwrap();
    }
    let mut zip = Command::new(emulator.tool("python"));
    zip.current_dir(&folder).args(["-c", ZIP, "bootstrap"]);
    run(zip.args(files.iter().map(|(name, _)| name)));
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::read(emulator.directory().join("package.zip")).unwrap()
}

/// The directory of the functions' binaries.
fn binaries() -> PathBuf {
    root().join(std::env::var("STACK_BINARIES").unwrap_or_else(|_| "target/release".to_owned()))
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Makes the stack, as `sam deploy` does, and returns where its API is.
async fn create(aws: &Aws, emulator: &str) -> String {
    let apns_port = APNS_PORT.to_string();
    let parameters = [
        ("Stage", STAGE),
        ("BaseUrl", PUBLIC),
        ("MailFrom", SENDER),
        ("OperatorMail", "ops@green.example"),
        ("ApnsHost", HOST),
        ("ApnsPort", &apns_port),
        ("ApnsRootsFile", APNS_ROOTS),
        ("PushRootsFile", PUSH_ROOTS),
    ];
    let named = |name: &str| vec![("StackName".to_owned(), name.to_owned())];
    let mut call = named("pomarium");
    call.push(("TemplateURL".to_owned(), format!("{emulator}/{BUCKET}/template.yaml")));
    for (number, capability) in (1..).zip(["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]) {
        call.push((format!("Capabilities.member.{number}"), capability.to_owned()));
    }
    for (number, (name, value)) in (1..).zip(parameters) {
        call.push((format!("Parameters.member.{number}.ParameterKey"), name.to_owned()));
        call.push((format!("Parameters.member.{number}.ParameterValue"), value.to_owned()));
    }
    aws.cloudformation("CreateStack", &call).await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let described = aws.cloudformation("DescribeStacks", &named("pomarium")).await;
        let status = between(&described, "<StackStatus>", "</StackStatus>");
        if status == "CREATE_COMPLETE" {
            let host = between(&described, "<OutputValue>http://", ".execute-api");
            return format!("{emulator}/_aws/execute-api/{host}/$default");
        }
        if status != "CREATE_IN_PROGRESS" || Instant::now() > deadline {
            let events = aws.cloudformation("DescribeStackEvents", &named("pomarium")).await;
            let failed = events.split("<member>").filter(|event| event.contains("FAILED"));
            panic!("{status}: {}", failed.collect::<String>());
        }
        sleep(Duration::from_millis(200)).await;
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {text}"));
    rest.split_once(after).map_or(rest, |(found, _)| found)
}

/// The operator's first token, by the script that DEPLOY names; what it would write is written with the deployer's rights.
async fn operator_token(aws: &Aws) -> String {
    let script = root().join("infra/operator-token");
    let output = Command::new(script).args(["--show", STAGE]).output().unwrap();
    assert!(output.status.success());
    let shown = String::from_utf8(output.stdout).unwrap();
    let (items, token) = shown.trim().split_once('\n').unwrap();
    let items: Value = serde_json::from_str(items).unwrap();
    aws.json("dynamodb", "DynamoDB_20120810.TransactWriteItems", json!({"TransactItems": items})).await;
    token.to_owned()
}
