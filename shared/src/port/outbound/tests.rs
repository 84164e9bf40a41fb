use openssl::ssl::{Ssl, SslAcceptor, SslMethod};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::error::Kind;
use crate::pki::fixture;

/// A server that answers one call with `answer`; returns where it is, and what it will have read.
async fn server(answer: &'static str) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let read = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 4_096];
        let length = tcp.read(&mut buffer).await.unwrap();
        tcp.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    });
    (address, read)
}

fn post(url: &str) -> Request<Bytes> {
    Request::post(url).header("x-test", "1").body(Bytes::from_static(b"{}")).unwrap()
}

#[test]
fn a_url_is_https_and_leads_outside() {
    let outbound = Outbound::public();
    for url in [
        "https://hooks.example/a?b=c",
        "https://hooks.example:8443/",
        "https://8.8.8.8/",
        "HTTPS://EXAMPLE.org",
    ] {
        assert!(outbound.url(url).is_ok(), "{url}");
    }
    let long = format!("https://hooks.example/{}", "a".repeat(2_000));
    for (url, why) in [
        ("http://hooks.example/", "does not begin with https"),
        ("ftp://hooks.example/", "does not begin with https"),
        ("http://127.0.0.1/", "does not begin with https"),
        ("https://127.0.0.1/", "not public"),
        // Other ways to write 127.0.0.1 and 169.254.169.254.
        ("https://2130706433/", "not public"),
        ("https://0x7f.1/", "not public"),
        ("https://[::ffff:169.254.169.254]/", "not public"),
        ("https://user:password@hooks.example/", "user or a password"),
        ("https://hooks.example/#part", "fragment"),
        ("hooks.example", "cannot be read"),
        ("https://", "cannot be read"),
        ("data:text/plain,a", "names no host"),
        (long.as_str(), "2,000"),
    ] {
        let error = outbound.url(url).unwrap_err();
        assert_eq!(error.code(), "outbound-url", "{url}");
        assert!(error.to_string().contains(why), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_when_it_is_called() {
    let error = Outbound::public().send(post("https://localhost/hook"), 10).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Forbidden, "outbound-address"));
    assert!(error.to_string().contains("not public"), "{error}");
}

#[tokio::test]
async fn a_call_is_plain_http_and_its_answer_is_read_up_to_a_bound() {
    let (address, read) =
        server("HTTP/1.1 200 OK\r\ncontent-length: 12\r\nx-answer: 2\r\n\r\nhello, world").await;
    let outbound = Outbound::with_loopback(Vec::new());
    let answer = outbound.send(post(&format!("http://{address}/hook?a=b")), 5).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.as_ref(), answer.cut), (200, b"hello".as_slice(), true));
    assert_eq!(answer.headers["x-answer"], "2");
    let read = read.await.unwrap();
    assert!(read.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{read}");
    assert!(read.contains(&format!("host: {address}\r\n")) && read.ends_with("\r\n\r\n{}"), "{read}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let (address, _read) =
        server("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n").await;
    let outbound = Outbound::with_loopback(Vec::new());
    let answer = outbound.send(post(&format!("http://{address}/")), 5).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.cut), (302, false));
}

#[tokio::test]
async fn who_closes_without_an_answer_or_is_not_there_is_unavailable() {
    let (address, _read) = server("").await;
    let outbound = Outbound::with_loopback(Vec::new());
    for _ in 0..2 {
        let error = outbound.send(post(&format!("http://{address}/")), 5).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable);
    }
}

#[tokio::test]
async fn a_certificate_must_be_of_that_host_and_of_a_trusted_root() {
    let root = fixture::authority("Root", 0, None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_certificate(&root).unwrap();
    acceptor.set_private_key(fixture::key(0)).unwrap();
    let acceptor = acceptor.build();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let mut tls = SslStream::new(Ssl::new(acceptor.context()).unwrap(), tcp).unwrap();
            // The client refuses: that is what is tested.
            let _ = Pin::new(&mut tls).accept().await;
        }
    });
    let stranger = Outbound::with_loopback(Vec::new()).send(post(&url), 5).await.unwrap_err();
    assert!(stranger.chain().contains("self-signed certificate"), "{}", stranger.chain());
    // Trusted, but for another name.
    let elsewhere = Outbound::with_loopback(vec![root]).send(post(&url), 5).await.unwrap_err();
    assert!(elsewhere.chain().contains("IP address mismatch"), "{}", elsewhere.chain());
    // Mozilla's roots can be read, and know nothing of it.
    assert!(tls::connector(None).is_ok());
}
