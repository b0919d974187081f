//! Where notices may go: partners name the places, so each is checked before a byte is sent there. What resolves to an
//! address inside (of this machine, of the operator's networks, of a cloud's metadata service) gets nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Which addresses are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedAddresses {
    /// Those of the public Internet, over https.
    Public,
    /// All, also over http: for demonstrations and tests on one machine.
    Any,
}

/// Longest address of an endpoint.
const MAX_LEN: usize = 500;

impl AllowedAddresses {
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        self == Self::Any || is_public(address)
    }
}

/// Networks of IPv4 that are not the public Internet's (IANA special-purpose address registry), multicast and reserved
/// ones included.
const SPECIAL_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Within `2000::/3`, what is special or carries an IPv4 address inside: protocol assignments with Teredo, documentation
/// and 6to4. All that is outside (mapped, NAT64, unique local, link-local, multicast) is refused as a whole.
const SPECIAL_V6: [([u16; 2], u32); 4] =
    [([0x2001, 0], 23), ([0x2001, 0xdb8], 32), ([0x2002, 0], 16), ([0x3fff, 0], 20)];

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    let within = |network: [u8; 4], length: u32| (bits ^ u32::from_be_bytes(network)) >> (32 - length) == 0;
    !SPECIAL_V4.iter().any(|(network, length)| within(*network, *length))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let bits = u32::from(first) << 16 | u32::from(second);
    let within =
        |[high, low]: [u16; 2], length: u32| (bits ^ (u32::from(high) << 16 | u32::from(low))) >> (32 - length) == 0;
    within([0x2000, 0], 3) && !SPECIAL_V6.iter().any(|(network, length)| within(*network, *length))
}

/// What can be told of an address without resolving its name.
///
/// # Errors
/// What was expected.
pub fn check_url(text: &str, allowed: AllowedAddresses) -> Result<Url, &'static str> {
    if text.len() > MAX_LEN {
        return Err("expected an address of at most 500 characters");
    }
    let url = Url::parse(text).map_err(|_| "expected an https URL")?;
    match (url.scheme(), allowed) {
        ("https", _) | ("http", AllowedAddresses::Any) => {}
        _ => return Err("expected an https URL"),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("expected a URL without user, password and fragment");
    }
    // What is written as numbers in any notation was read as an address by now.
    match literal(&url) {
        Some(address) if !allowed.allows(address) => Err("expected an address of the public Internet"),
        None if !url.host_str().is_some_and(|host| host.contains('.')) && allowed == AllowedAddresses::Public => {
            Err("expected the name of a host of the public Internet")
        }
        _ => Ok(url),
    }
}

/// The address that stands in a URL instead of a name.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_reached() {
        for good in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a01::1",
            "2003::1",
        ] {
            assert!(is_public(good.parse().unwrap()), "{good}");
        }
        for bad in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2001:1ff::1",
            "2002:7f00:1::",
            "3fff::1",
        ] {
            assert!(!is_public(bad.parse().unwrap()), "{bad}");
            assert!(AllowedAddresses::Any.allows(bad.parse().unwrap()));
        }
    }

    #[test]
    fn an_endpoint_is_an_https_url_of_a_public_host() {
        let public = |text: &str| check_url(text, AllowedAddresses::Public);
        for good in ["https://bank.example/hooks?tenant=7", "https://hooks.bank.example:8443/", "https://1.1.1.1/x"] {
            assert!(public(good).is_ok(), "{good}");
        }
        for bad in [
            "http://bank.example/",
            "ftp://bank.example/",
            "bank.example",
            "",
            "https://",
            "https://localhost/",
            "https://user@bank.example/",
            "https://u:p@bank.example/",
            "https://bank.example/#x",
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://017700000001/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://intranet/",
            "file:///etc/passwd",
        ] {
            assert!(public(bad).is_err(), "{bad}");
        }
        assert!(public(&format!("https://bank.example/{}", "x".repeat(500))).is_err());
        assert!(check_url("http://127.0.0.1:9/", AllowedAddresses::Any).is_ok());
        assert!(check_url("ftp://127.0.0.1/", AllowedAddresses::Any).is_err());
    }
}
