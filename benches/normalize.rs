//! How many mails a processor normalizes in a second: `script/bench normalize [FOLDER]`.
//!
//! The mails are the 101 whose sizes are nearest the median of a folder of archives (`.tar.gz` with a mail in each file), as
//! `messages.get` gives them. One iteration makes the rows of all of them, from the reply's bytes to what the database gets.

use std::{fs::File, hint::black_box, io::Read, path::Path};

use base64::{Engine, engine::general_purpose::URL_SAFE};
use criterion::{Criterion, Throughput};
use flate2::read::GzDecoder;
use omnisync::domain::normalize::mail::mail;
use serde_json::json;

const SAMPLE: usize = 101;

fn mails(folder: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let mut mails = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with(".tar.gz") {
            continue;
        }
        for file in tar::Archive::new(GzDecoder::new(File::open(path)?)).entries()? {
            let mut mail = Vec::new();
            file?.read_to_end(&mut mail)?;
            mails.push(mail);
        }
    }
    mails.retain(|mail| !mail.is_empty());
    mails.sort_by_key(Vec::len);
    Ok(mails)
}

fn reply(raw: &[u8]) -> Vec<u8> {
    let reply = json!({
        "id": "18f2a3b4c5d6e7f8", "threadId": "18f2a3b4c5d6e7f8", "labelIds": ["INBOX", "UNREAD"], "snippet": "",
        "sizeEstimate": raw.len(), "historyId": "987654", "internalDate": "1762070400000", "raw": URL_SAFE.encode(raw),
    });
    reply.to_string().into_bytes()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let folder = folder.ok_or("usage: script/bench normalize FOLDER")?;
    let mails = mails(Path::new(&folder))?;
    let middle = mails.len().checked_sub(SAMPLE).ok_or("the folder has too few mails")? / 2;
    let sample = &mails[middle..middle + SAMPLE];
    println!("{} mails; the sample has {} to {} bytes", mails.len(), sample[0].len(), sample[SAMPLE - 1].len());
    let replies: Vec<_> = sample.iter().map(|raw| reply(raw)).collect();
    let aliases = ["ada@brightwater.example".to_owned()];
    let mut criterion = Criterion::default();
    let mut group = criterion.benchmark_group("normalize");
    group.throughput(Throughput::Elements(SAMPLE as u64));
    group.bench_function("median mail", |bencher| {
        bencher.iter(|| replies.iter().for_each(|reply| drop(black_box(mail(black_box(reply), &aliases)))));
    });
    group.finish();
    criterion.final_summary();
    Ok(())
}
