//! `/docs` and `/openapi.json`, all from the binary: no request leaves the installation.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The pages may load what this server gives and nothing else. Their scripts set styles on elements.
const PAGES: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The reference of the API for people and for programs.
pub fn router(document: OpenApi) -> Router {
    let json = serde_json::to_vec(&document).expect("the document is made of texts and numbers");
    let json = Bytes::from(json);
    let serve = move || {
        let json = json.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], json) }
    };
    // Without "none" the page would ask a validator on the internet about our document. The other layout has a
    // bar that offers to load documents from elsewhere.
    let config = Config::from("/openapi.json").validator_url("none").use_base_layout().display_request_duration(true);
    let pages = Router::from(SwaggerUi::new("/docs").config(config))
        .layer(ServiceBuilder::new().layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, PAGES)));
    pages.route("/openapi.json", get(serve))
}
