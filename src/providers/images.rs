//! The wire of whoever has the images that mail refers to.
//!
//! The address is a stranger's choice and the request is ours: what is not on the public internet is not asked, whatever a name
//! resolves to and wherever an answer leads (OWASP, Server-Side Request Forgery Prevention). A name is resolved once for each
//! request, and what was looked at is what is connected to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::header;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::{
    Response,
    dns::{Name, Resolve, Resolving},
    redirect,
};
use tokio::time::timeout;
use url::{Host, Url};

use super::{Class, Error};
use crate::config;

/// The largest image, in bytes.
const MAX_BYTES: usize = 5 << 20;
/// How long an image may take, redirects included.
const WITHIN: Duration = Duration::from_secs(10);
/// Requests for one image: the first, and those that it is led to.
const MAX_REQUESTS: usize = 4;

/// An image that browsers draw and do not run.
#[derive(Debug)]
pub struct Image {
    /// Its kind, by its first bytes, whatever its server calls it.
    pub media_type: &'static str,
    pub bytes: Bytes,
}

/// Why there is no image. Says nothing of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoImage {
    #[error("its address is not on the public web")]
    NotPublic,
    #[error("its server did not give it")]
    NotGiven,
    #[error("it is too large")]
    TooLarge,
    #[error("it took too long")]
    TooLate,
    #[error("it is no image of a known kind")]
    NoImage,
}

/// Fetches images; cheap to clone.
#[derive(Clone)]
pub struct Images {
    http: reqwest::Client,
    reach: Reach,
}

impl Images {
    /// # Errors
    /// [`Class::Misconfigured`] when TLS cannot be set up, for want of root certificates for example.
    pub fn new(config: &config::Images) -> Result<Self, Error> {
        // Does nothing where `main` has installed it already; reqwest panics where nobody has.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let reach = Reach(config.also.as_slice().into());
        let http = reqwest::Client::builder()
            .user_agent("omnisync")
            .dns_resolver(reach.clone())
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            // What counts against the limit is what came.
            .no_gzip()
            .build()
            .map_err(|_| Error {
                class: Class::Misconfigured,
                detail: "TLS cannot be set up; are root certificates installed?".to_owned(),
            })?;
        Ok(Self { http, reach })
    }

    /// Fetches an image.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn fetch(&self, url: Url) -> Result<Image, NoImage> {
        timeout(WITHIN, self.follow(url)).await.map_err(|_| NoImage::TooLate)?
    }

    async fn follow(&self, mut url: Url) -> Result<Image, NoImage> {
        for _ in 0..MAX_REQUESTS {
            if !self.reach.may_ask(&url) {
                return Err(NoImage::NotPublic);
            }
            // Nobody's password, and nothing that only a page would read.
            let _ = (url.set_username(""), url.set_password(None));
            url.set_fragment(None);
            let request = self.http.get(url.clone()).header(header::ACCEPT, "image/*");
            let response = request.send().await.map_err(|_| NoImage::NotGiven)?;
            if response.status().is_success() {
                return image(response).await;
            }
            let to = response.headers().get(header::LOCATION).filter(|_| response.status().is_redirection());
            let to = to.and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok());
            url = to.ok_or(NoImage::NotGiven)?;
        }
        Err(NoImage::NotGiven)
    }
}

async fn image(mut response: Response) -> Result<Image, NoImage> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| NoImage::NotGiven)? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(NoImage::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    let media_type = media_type(&bytes).ok_or(NoImage::NoImage)?;
    Ok(Image { media_type, bytes: bytes.freeze() })
}

/// The kind of an image by its first bytes (WHATWG, MIME Sniffing, section 6.1; AVIF by its brand). SVG is none of them: it acts.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => Some("image/avif"),
        _ => None,
    }
}

/// Which addresses may be asked: the public ones, and those of some networks more.
#[derive(Clone)]
struct Reach(Arc<[IpNet]>);

impl Reach {
    fn is_listed(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&ip))
    }

    fn allows(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        is_public(ip) || self.is_listed(ip)
    }

    /// Whether an address may be asked as far as it says where it leads; of a name, its resolution says more.
    fn may_ask(&self, url: &Url) -> bool {
        let is_usual = url.port().is_none();
        let may_ask = match url.host() {
            Some(Host::Domain(_)) => is_usual,
            Some(Host::Ipv4(ip)) => self.is_listed(ip.into()) || is_usual && self.allows(ip.into()),
            Some(Host::Ipv6(ip)) => self.is_listed(ip.into()) || is_usual && self.allows(ip.into()),
            None => false,
        };
        may_ask && matches!(url.scheme(), "http" | "https")
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NoImage::NotPublic.into());
            }
            Ok(Box::new(allowed.into_iter()) as Box<dyn Iterator<Item = _> + Send>)
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), bits)
}

/// What of IPv4 is not public (IANA, IPv4 Special-Purpose Address Registry), multicast included.
#[rustfmt::skip]
const RESERVED_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8), v4(10, 0, 0, 0, 8), v4(100, 64, 0, 0, 10), v4(127, 0, 0, 0, 8), v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12), v4(192, 0, 0, 0, 24), v4(192, 0, 2, 0, 24), v4(192, 88, 99, 0, 24), v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15), v4(198, 51, 100, 0, 24), v4(203, 0, 113, 0, 24), v4(224, 0, 0, 0, 4), v4(240, 0, 0, 0, 4),
];

/// All of IPv6 that is given out to the public, and what of it is not public even so: protocol assignments with Teredo,
/// documentation, and 6to4, which leads to IPv4 (IANA, IPv6 Special-Purpose Address Registry).
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 3);
const RESERVED_V6: [Ipv6Net; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0xdb8, 32), v6(0x2002, 0, 16), v6(0x3fff, 0, 20)];

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !RESERVED_V4.iter().any(|net| net.contains(&ip)),
        IpAddr::V6(ip) => PUBLIC_V6.contains(&ip) && !RESERVED_V6.iter().any(|net| net.contains(&ip)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody_else() -> Reach {
        Reach(Arc::new([]))
    }

    #[test]
    fn what_is_not_on_the_public_internet_is_not_asked_however_it_is_written() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::]/",
            "http://10.1.2.3/",
            "http://172.31.255.255/",
            "http://192.168.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://100.64.0.1/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:0:1::1]/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://198.18.0.1/",
            "http://8.8.8.8:22/",
            "http://example.org:6379/",
            "ftp://example.org/",
            "file:///etc/passwd",
            "data:image/png;base64,AAAA",
            "gopher://example.org/",
        ] {
            assert!(!nobody_else().may_ask(&url.parse().expect("an address")), "{url}");
        }
        for url in
            ["http://8.8.8.8/", "https://example.org/logo.png", "https://example.org:443/", "http://[2606:4700::1111]/"]
        {
            assert!(nobody_else().may_ask(&url.parse().expect("an address")), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_leads_nowhere() {
        let images = Images::new(&config::Images { proxy: true, also: Vec::new() }).expect("a client");
        let url = "http://localhost/logo.png".parse().expect("an address");
        assert_eq!(images.fetch(url).await.expect_err("refused"), NoImage::NotGiven);
        let resolved = nobody_else().resolve("localhost".parse().expect("a name")).await;
        assert!(resolved.is_err(), "it was resolved to an address that may be asked");
    }

    #[test]
    fn an_image_is_known_by_its_first_bytes() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n\0"), Some("image/png"));
        assert_eq!(media_type(b"GIF89a"), Some("image/gif"));
        assert_eq!(media_type(b"RIFF\x10\0\0\0WEBPVP8 "), Some("image/webp"));
        for none in [&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], b"<html>", b"", b"RIFF", b"\x89PN"] {
            assert_eq!(media_type(none), None);
        }
    }
}
