//! Regions by every name, and what is refused.

use super::*;

#[test]
fn every_region_parses_from_every_name_it_is_written_with() {
    for region in Region::ALL {
        let (name, domain) = (region.name(), region.domain());
        let spellings = [
            name.to_owned(),
            name.replace('-', "_"),
            name.to_uppercase(),
            domain.to_owned(),
            format!("https://api.{domain}/"),
            format!("login.{domain}"),
            region.short_name().to_owned(),
            region.to_string(),
        ];
        for text in spellings {
            assert_eq!(text.parse::<Region>().unwrap(), *region, "{text}");
        }
        assert_eq!(region.endpoints().api().host_str().unwrap(), format!("api.{domain}"));
        assert_eq!(region.endpoints().login().host_str().unwrap(), format!("login.{domain}"));
        assert_eq!(region.endpoints().streaming().scheme(), "wss");
    }
}

#[test]
fn a_typo_names_the_region_that_was_meant() {
    let error = "us-esat-1".parse::<Region>().unwrap_err();
    assert!(error.to_string().contains("did you mean us-east-1?"), "{error}");
    assert!("nowhere".parse::<Region>().unwrap_err().to_string().contains("known: us-east-1"));
}

#[test]
fn plain_text_goes_to_loopback_only() {
    for good in
        ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1", "https://gw.example/x"]
    {
        assert!(Endpoints::single(good).is_ok(), "{good}");
    }
    for bad in [
        "http://gw.example",
        "http://127.0.0.1.example",
        "ftp://localhost",
        "gw.example",
        "https://u:p@h",
    ] {
        assert!(Endpoints::single(bad).is_err(), "{bad}");
    }
    assert!(Endpoints::custom("https://a.b", "https://a.b", "ws://a.b").is_err());
}

#[test]
fn a_socket_address_is_encrypted_unless_it_is_loopback_or_allowed() {
    let cloud = Region::UsEast1.endpoints();
    let local = Endpoints::single("http://127.0.0.1:8080").unwrap();
    let table = [
        (&cloud, "gw.example", false, Some("wss://gw.example/p")),
        (&cloud, "WSS://gw.example/", false, Some("wss://gw.example/p")),
        (&cloud, "https://gw.example:444/x", false, Some("wss://gw.example:444/x/p")),
        (&cloud, "ws://gw.example", false, None),
        (&cloud, "http://gw.example", false, None),
        (&cloud, "ws://gw.example", true, Some("ws://gw.example/p")),
        (&cloud, "ws://127.0.0.1.example", false, None),
        (&cloud, "127.0.0.1:9", false, Some("wss://127.0.0.1:9/p")),
        (&cloud, "ws://[::1]:9", false, Some("ws://[::1]:9/p")),
        (&local, "127.0.0.1:9", false, Some("ws://127.0.0.1:9/p")),
        (&local, "localhost:443", false, Some("ws://localhost:443/p")),
        (&local, "gw.example", false, Some("wss://gw.example/p")),
        (&local, "ftp://localhost", false, None),
        (&local, "wss://user:topsecret@localhost", true, None),
        (&local, "wss://localhost?access_token=topsecret", true, None),
        (&local, "topsecret topsecret", true, None),
        (&local, "", true, None),
    ];
    for (endpoints, host, allow, expected) in table {
        let url = endpoints.socket_url(host, "/p", allow);
        assert_eq!(url.as_ref().ok().map(Url::as_str), expected, "{host}: {url:?}");
        assert!(!format!("{url:?}").contains("topsecret"), "{host}");
    }
    assert_eq!(cloud.api_socket_url("/p").unwrap().as_str(), "wss://api.mypurecloud.com/p");
    assert_eq!(local.api_socket_url("/p").unwrap().as_str(), "ws://127.0.0.1:8080/p");
}

#[test]
fn a_path_of_the_base_is_kept_as_a_prefix() {
    let endpoints = Endpoints::single("https://gw.example/genesys/").unwrap();
    let url = endpoints.api_url("/api/v2/tokens/me?x=1").unwrap();
    assert_eq!(url.as_str(), "https://gw.example/genesys/api/v2/tokens/me?x=1");
}

#[test]
fn connect_uri_on_a_foreign_host_is_refused_and_not_repeated() {
    let endpoints = Region::UsEast1.endpoints();
    assert!(
        endpoints
            .check_connect_uri("wss://streaming.mypurecloud.com/channels/streaming-1-x")
            .is_ok()
    );
    for bad in [
        "wss://evil.example/channels/streaming-1-topsecret",
        "ws://streaming.mypurecloud.com/channels/topsecret",
        "wss://streaming.mypurecloud.com:444/channels/topsecret",
        "wss://u:topsecret@streaming.mypurecloud.com/channels/x",
        "wss://streaming.mypurecloud.com.evil.example/topsecret",
        "not a url topsecret",
    ] {
        let error = endpoints.check_connect_uri(bad).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("topsecret"), "{error}");
    }
}
