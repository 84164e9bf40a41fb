//! `make export`, `make import` and `make nanomdm`.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use pomarium_local::runner::Data;
use pomarium_move::{
    Adopted, Dump, Export, Names, Newcomer, Passphrase, Places, Plan, SETTLE, Tally, Workshop, adopt, import,
    look,
};
use shared::error::{Error, Result};
use shared::id::TenantId;
use shared::port::random::Random;
use shared::time::Clock;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match env::args().nth(1).as_deref() {
        Some("export") => write_archive().await,
        Some("import") => read_archive().await,
        Some("nanomdm") => convert().await,
        Some(_) | None => Err(Error::malformed("move-command", "Say what to do: export, import or nanomdm.")
            .next("make export TENANT=... FILE=..., make import FILE=...")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let next = error.next_step().map(|next| format!(" {next}")).unwrap_or_default();
            say(&mut io::stderr(), &format!("{}{next}", error.chain()));
            ExitCode::FAILURE
        }
    }
}

async fn write_archive() -> Result<()> {
    let tenant: TenantId = required("TENANT", "the tenant's identifier")?.parse()?;
    let file = PathBuf::from(required("FILE", "where the archive goes")?);
    let passphrase = passphrase()?;
    let close = variable("CLOSE").is_some();
    let place = Place::open("FROM").await?;
    // No process remembers anything of data that no server runs with.
    let settle = if place.data.is_some() { Duration::ZERO } else { SETTLE };
    let out = create(&file)?;
    let export = Export {
        places: &place.places,
        tenant: &tenant,
        passphrase: &passphrase,
        close: close.then_some(settle),
    };
    let written = export.write(BufWriter::new(out), progress).await;
    place.close().await;
    if written.is_err() {
        // Half an archive would only deceive; if it cannot be removed, it cannot be opened either.
        let _ = std::fs::remove_file(&file);
    }
    let tally = written?;
    let mut out = io::stdout();
    say(&mut out, &format!("\nExported to {}:\n{tally}", file.display()));
    say(&mut out, "It holds every key of the tenant. Without the passphrase nobody opens it, you neither.");
    say(
        &mut out,
        if close {
            "The tenant is closed here: it answers nobody. Importing the archive here opens it again."
        } else {
            "The tenant lives on here. For a move, export it with CLOSE=yes: two installations must never push to the same devices."
        },
    );
    Ok(())
}

async fn read_archive() -> Result<()> {
    let file = PathBuf::from(required("FILE", "the archive")?);
    let passphrase = passphrase()?;
    if variable("DRY_RUN").is_some() {
        let plan = look(&file, &passphrase)?;
        say(&mut io::stdout(), &format!("The archive is whole: {}\nNothing was changed.", planned(&plan)));
        return Ok(());
    }
    let place = Place::open("TO").await?;
    let imported = import(&place.places, &file, &passphrase, progress).await;
    place.close().await;
    let plan = imported?;
    say(&mut io::stdout(), &format!("\nImported: {}", planned(&plan)));
    say(
        &mut io::stdout(),
        "Devices come as soon as the name in their profiles leads here; docs/MOVE.md says how.",
    );
    Ok(())
}

/// Makes an archive of another server's dump. The tenant in it is new.
async fn convert() -> Result<()> {
    let dump = Dump::read(Path::new(&required("DUMP", "the folder of the dump")?))?;
    let authorities =
        PathBuf::from(required("AUTHORITIES", "a PEM file of who issued the devices' identities")?);
    let authorities = std::fs::read_to_string(&authorities).map_err(|error| {
        let message = format!("{} cannot be read: {error}.", authorities.display());
        Error::malformed("dump-not-read", message).at("AUTHORITIES").next("Name a PEM file.")
    })?;
    let contacts = required("CONTACTS", "who is told before something ends, with commas between")?;
    let newcomer = Newcomer {
        name: required("NAME", "what the tenant is to be called")?,
        contacts: contacts.split(',').map(|address| address.trim().parse()).collect::<Result<_>>()?,
        authorities,
        topic: variable("TOPIC"),
    };
    let file = PathBuf::from(required("FILE", "where the archive goes")?);
    let passphrase = passphrase()?;
    let out = create(&file)?;
    let converted = convert_into(out, &dump, &newcomer, &passphrase).await;
    if converted.is_err() {
        // As with an export.
        let _ = std::fs::remove_file(&file);
    }
    let (adopted, tally) = converted?;
    let mut out = io::stdout();
    for (enrollment, why) in &adopted.left_out {
        say(&mut out, &format!("Left out: {enrollment}: {why}"));
    }
    let (taken, left) = (adopted.enrollments, adopted.left_out.len());
    say(
        &mut out,
        &format!(
            "\n{taken} enrollments were taken over, {left} left out. The archive: {}\n{tally}",
            file.display()
        ),
    );
    say(
        &mut out,
        &format!(
            "The tenant is {}. Its first token, shown this once: {}",
            adopted.tenant,
            adopted.token.expose()
        ),
    );
    say(
        &mut out,
        "make import FILE=... makes it a tenant; docs/MOVE.md says where the old address must lead.",
    );
    Ok(())
}

async fn convert_into(
    out: File,
    dump: &Dump,
    newcomer: &Newcomer,
    passphrase: &Passphrase,
) -> Result<(Adopted, Tally)> {
    let workshop = Workshop::open().await?;
    let adopted = adopt(&workshop.state, dump, newcomer).await?;
    let places = workshop.places();
    let export = Export { places: &places, tenant: &adopted.tenant, passphrase, close: None };
    let tally = export.write(BufWriter::new(out), progress).await?;
    workshop.close().await;
    Ok((adopted, tally))
}

/// An installation, and what keeps it open.
struct Place {
    places: Places,
    data: Option<Data>,
}

impl Place {
    /// The stage that a variable names, else the data of this machine.
    async fn open(which: &'static str) -> Result<Self> {
        let (clock, random) = (Clock::system(), Random::system());
        if let Some(stage) = variable(which) {
            let bucket = required("BUCKET", "the stack's output ResultsBucket")?;
            let config = shared::aws::sdk_config().await;
            let places = Places::new(&config, Names::stage(&stage, &bucket), clock, random);
            return Ok(Self { places, data: None });
        }
        let directory = variable("POMARIUM_DATA").unwrap_or_else(|| ".pomarium".to_owned());
        let data = Data::open(Path::new(&directory), clock.clone()).await?;
        let places = Places::new(&data.aws.sdk_config(), Names::local(), clock, random);
        Ok(Self { places, data: Some(data) })
    }

    async fn close(self) {
        if let Some(data) = self.data {
            data.close().await;
        }
    }
}

/// A new file that only its owner reads.
fn create(file: &Path) -> Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(|error| {
        let message = format!("{} cannot be made: {error}.", file.display());
        Error::conflict("archive-not-written", message)
            .at("FILE")
            .next("Name a new file in a directory that is yours.")
    })
}

/// From the environment alone: what stands on a command line is seen by everybody on the machine.
fn passphrase() -> Result<Passphrase> {
    Passphrase::new(required("PASSPHRASE", "what seals the archive; `make` asks for it")?)
}

fn required(name: &'static str, what: &str) -> Result<String> {
    variable(name).ok_or_else(|| {
        Error::malformed("move-setting", format!("{name} is missing: {what}."))
            .at(name)
            .next(format!("Add {name}=..."))
    })
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}

fn progress(tally: &Tally) {
    let mut out = io::stdout();
    // A closed terminal is no reason to stop.
    let _ = write!(out, "\r{} ...", tally.lines()).and_then(|()| out.flush());
}

fn planned(plan: &Plan) -> String {
    format!("\"{}\" ({})\n{}", plan.name, plan.tenant, plan.tally)
}

fn say(out: &mut impl Write, text: &str) {
    let _ = writeln!(out, "{text}");
}
