//! The token: what it is, whether it works, and its end.

use genesys_cloud::ErrorKind;
use genesys_cloud::models::OAuthGrantType;
use serde_json::{Value, json};

use crate::rig::{Rig, refusal};

#[tokio::test]
async fn a_token_says_whose_it_is() {
    let rig = Rig::always(json!({
        "organization": { "id": "o", "name": "Acme" },
        "authorizedScope": ["notifications"],
        "OAuthClient": { "id": "c", "name": "Wallboard", "authorizedGrantType": "CLIENT-CREDENTIALS" },
    }))
    .await;
    let token = rig.client.tokens().me().await.unwrap();
    assert_eq!(rig.last().query, []);
    let client = token.o_auth_client.unwrap();
    assert_eq!(client.authorized_grant_type, Some(OAuthGrantType::ClientCredentials));
    rig.client.tokens().me().keep_idle_time().await.unwrap();
    let call = rig.last();
    assert_eq!(call.line, "GET /api/v2/tokens/me");
    assert_eq!(call.get("preserveIdleTTL"), Some("true"));
}

#[tokio::test]
async fn a_check_tells_a_refused_token_from_a_failure() {
    for (status, wanted) in [(200, Ok(true)), (401, Ok(false)), (503, Err(ErrorKind::Status(503)))]
    {
        let rig = Rig::start(move |_, _| (status, Value::Null)).await;
        let found = rig.client.tokens().check().await.map_err(|error| error.kind());
        assert_eq!(found, wanted);
        assert_eq!(rig.last().line, "HEAD /api/v2/tokens/me");
    }
}

#[tokio::test]
async fn revoking_is_a_delete_that_may_be_answered_without_a_body() {
    for status in [200, 204] {
        let rig = Rig::start(move |_, _| (status, Value::Null)).await;
        rig.client.tokens().revoke().await.unwrap();
        assert_eq!(rig.lines(), ["DELETE /api/v2/tokens/me"]);
    }
    let rig =
        Rig::start(|_, _| refusal(401, "bad.credentials", "Invalid login credentials.")).await;
    assert_eq!(rig.client.tokens().revoke().await.unwrap_err().kind(), ErrorKind::Auth);
}
