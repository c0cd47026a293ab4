//! Routing: queues, members, statuses, codes.

use futures::TryStreamExt;
use genesys_cloud::models::RoutingState;
use genesys_cloud::{ErrorKind, UserExpand};
use serde_json::json;

use crate::rig::{Rig, forbidden, not_found, refusal};

#[tokio::test]
async fn queues_are_selected_by_the_query_and_read_page_by_page() {
    let rig = Rig::start(|_, call| {
        let number: usize = call.get("pageNumber").map_or(1, |number| number.parse().unwrap());
        let name = format!("q{number}");
        (200, json!({ "entities": [{ "id": name, "name": name }], "pageCount": 3, "total": 3 }))
    })
    .await;
    let queues = rig.client.routing().queues().name("Support*").ids(["a", "b"]).divisions(["d"]);
    let queues: Vec<_> = queues.page_size(1).items().try_collect().await.unwrap();
    let names: Vec<_> = queues.iter().map(|queue| queue.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["q1", "q2", "q3"]);
    let call = rig.last();
    assert_eq!(call.line, "GET /api/v2/routing/queues");
    assert_eq!((call.get("name"), call.get("pageSize")), (Some("Support*"), Some("1")));
    assert_eq!((call.all("id"), call.all("divisionId")), (vec!["a", "b"], vec!["d"]));
}

#[tokio::test]
async fn a_queue_that_is_unknown_is_told_from_one_that_may_not_be_seen() {
    let rig = Rig::start(|_, call| match call.line.as_str() {
        "GET /api/v2/routing/queues/q" => (200, json!({ "id": "q", "memberCount": 3 })),
        "GET /api/v2/routing/queues/hidden" => forbidden("routing:queue:view"),
        _ => not_found(),
    })
    .await;
    let routing = rig.client.routing();
    assert_eq!(routing.queue("q").await.unwrap().member_count, Some(3));
    assert_eq!(routing.queue("hidden").await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(routing.queue("gone").await.unwrap_err().kind(), ErrorKind::NotFound);
    // What would be another path is refused before it is sent.
    assert_eq!(routing.queue("..").await.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(rig.server.count(), 3);
}

#[tokio::test]
async fn members_are_selected_by_what_they_do() {
    let rig = Rig::always(json!({ "entities": [] })).await;
    let members = rig.client.routing().members("q").joined(true).page_size(100);
    let members = members
        .routing_status([RoutingState::Idle, RoutingState::Interacting])
        .presence(["Available"])
        .expand([UserExpand::Presence, UserExpand::RoutingStatus]);
    assert_eq!(members.items().try_collect::<Vec<_>>().await.unwrap().len(), 0);
    let call = rig.last();
    assert_eq!(call.line, "GET /api/v2/routing/queues/q/members");
    assert_eq!((call.get("joined"), call.get("pageSize")), (Some("true"), Some("100")));
    assert_eq!(call.all("routingStatus"), ["IDLE", "INTERACTING"]);
    assert_eq!(call.all("presence"), ["Available"]);
    assert_eq!(call.all("expand"), ["presence", "routingStatus"]);
}

#[tokio::test]
async fn the_status_of_a_user_is_read_and_set() {
    let rig = Rig::start(|_, call| match call.line.as_str() {
        "PUT /api/v2/users/busy/routingstatus" => {
            refusal(400, "general.bad.request", "illegal transition")
        }
        _ => (200, json!({ "userId": "u", "status": "IDLE" })),
    })
    .await;
    let routing = rig.client.routing();
    assert_eq!(routing.status("u").await.unwrap().status, Some(RoutingState::Idle));
    assert_eq!(rig.last().line, "GET /api/v2/users/u/routingstatus");
    routing.set_status("u", RoutingState::OffQueue).await.unwrap();
    let call = rig.last();
    assert_eq!(call.line, "PUT /api/v2/users/u/routingstatus");
    assert_eq!(call.body, json!({ "status": "OFF_QUEUE" }));
    let error = routing.set_status("busy", RoutingState::Idle).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(400), Some("general.bad.request")));
}

#[tokio::test]
async fn codes_skills_languages_and_queues_of_a_user_have_their_paths() {
    let rig =
        Rig::always(json!({ "entities": [{ "id": "x", "name": "x" }], "pageCount": 1 })).await;
    let routing = rig.client.routing();
    let codes = routing.wrapup_codes().name("Sale*").ids(["c"]).page_size(10).items();
    assert_eq!(codes.try_collect::<Vec<_>>().await.unwrap().len(), 1);
    let call = rig.last();
    assert_eq!(call.line, "GET /api/v2/routing/wrapupcodes");
    assert_eq!((call.get("name"), call.all("id")), (Some("Sale*"), vec!["c"]));
    routing.wrapup_codes_of("q").items().try_collect::<Vec<_>>().await.unwrap();
    routing.skills().name("French").items().try_collect::<Vec<_>>().await.unwrap();
    routing.languages().name("fr*").items().try_collect::<Vec<_>>().await.unwrap();
    routing.queues_of("u").joined(false).items().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(rig.last().get("joined"), Some("false"));
    assert_eq!(
        rig.lines()[1..],
        [
            "GET /api/v2/routing/queues/q/wrapupcodes",
            "GET /api/v2/routing/skills",
            "GET /api/v2/routing/languages",
            "GET /api/v2/users/u/queues",
        ]
    );
    routing.wrapup_code("c").await.unwrap();
    assert_eq!(rig.last().line, "GET /api/v2/routing/wrapupcodes/c");
}
