//! Calls of AWS's query protocol (a form is sent, XML comes back), signed and sent as those of the SDK's clients are.
//!
//! Of EC2 and Auto Scaling a call or two is made. Their own SDKs would take longer to compile than all others together.

use crate::model::region::partition;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_runtime::auth::{SigV4OperationSigningConfig, sigv4};
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_sdk_batch::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthScheme};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use xmlparser::{ElementEnd, Token, Tokenizer};

/// What a form leaves as it is (RFC 3986, unreserved).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A service, and as whom it is called.
#[derive(Debug, Clone)]
pub struct QueryClient {
    /// The date of its API.
    version: &'static str,
    call: Operation<String, String, QueryError>,
}

/// A refusal.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{meta}")]
pub struct QueryError {
    meta: ErrorMetadata,
}

impl ProvideErrorMetadata for QueryError {
    fn meta(&self) -> &ErrorMetadata {
        &self.meta
    }
}

impl QueryClient {
    /// `name` as signatures and AWS's hosts have it; `place` is an endpoint, or else AWS's own is taken. `None` where nothing
    /// tells who calls.
    pub fn new(shared: &SdkConfig, name: &'static str, version: &'static str, place: &str) -> Option<Self> {
        let region = shared.region()?;
        let endpoint = if place.contains("://") { place.to_owned() } else { host(name, region.as_ref()) };
        let signing = SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(region.clone())),
            name: Some(SigningName::from_static(name)),
            ..SigV4OperationSigningConfig::default()
        };
        let mut layer = Layer::new(name);
        layer.store_put(signing).store_put(AuthSchemeOptionResolverParams::new(()));
        let components = RuntimeComponentsBuilder::new(name)
            .with_auth_scheme(SharedAuthScheme::new(sigv4::SigV4AuthScheme::new()))
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![sigv4::SCHEME_ID])))
            .with_identity_resolver(sigv4::SCHEME_ID, shared.credentials_provider()?)
            .with_identity_cache(Some(IdentityCache::no_cache()))
            .with_sleep_impl(shared.sleep_impl())
            .with_time_source(shared.time_source());
        let plugin = StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components);
        let call = Operation::builder()
            .service_name(name)
            .operation_name("query")
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&endpoint)
            .no_retry()
            .timeout_config(shared.timeout_config()?.clone())
            .interceptor(ServiceClockSkewInterceptor::new())
            .runtime_plugin(plugin)
            .serializer(request)
            .deserializer(answer)
            .build();
        Some(Self { version, call })
    }

    /// Makes a call; the answer is the whole document.
    pub async fn send(&self, action: &str, fields: &[(&str, &str)]) -> Result<String, SdkError<QueryError>> {
        self.call.invoke(form(action, self.version, fields)).await
    }
}

/// AWS's own endpoint, by the suffix of the region's partition.
fn host(name: &str, region: &str) -> String {
    let suffix = match partition(region) {
        Some("aws-cn") => "amazonaws.com.cn",
        Some("aws-eusc") => "amazonaws.eu",
        Some("aws-iso") => "c2s.ic.gov",
        Some("aws-iso-b") => "sc2s.sgov.gov",
        Some("aws-iso-e") => "cloud.adc-e.uk",
        Some("aws-iso-f") => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    };
    format!("https://{name}.{region}.{suffix}")
}

fn form(action: &str, version: &str, fields: &[(&str, &str)]) -> String {
    let pairs = [("Action", action), ("Version", version)].into_iter().chain(fields.iter().copied());
    let pairs = pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, PLAIN)));
    pairs.collect::<Vec<_>>().join("&")
}

fn request(form: String) -> Result<HttpRequest, BoxError> {
    let length = form.len().to_string();
    let mut request = HttpRequest::new(SdkBody::from(form));
    request.set_method("POST")?;
    request.set_uri("/")?;
    request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
    request.headers_mut().insert("content-length", length);
    request.headers_mut().insert("user-agent", concat!("batchdeck/", env!("CARGO_PKG_VERSION")));
    Ok(request)
}

fn answer(response: &HttpResponse) -> Result<String, OrchestratorError<QueryError>> {
    let text = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
    if response.status().is_success() {
        return Ok(text);
    }
    // `<Response><Errors><Error>` of EC2, `<ErrorResponse><Error>` of the others.
    let document = Element::parse(&text).unwrap_or_default();
    let of = |name: &str| document.first(name).map(|found| found.text.clone());
    let mut meta = ErrorMetadata::builder();
    if let Some(code) = of("Code") {
        meta = meta.code(code);
    }
    if let Some(message) = of("Message") {
        meta = meta.message(message);
    }
    Err(OrchestratorError::operation(QueryError { meta: meta.build() }))
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    pub name: String,
    pub text: String,
    pub parts: Vec<Element>,
}

impl Element {
    /// `None` where a text is no XML, or ends within.
    pub fn parse(text: &str) -> Option<Self> {
        let mut open: Vec<Self> = Vec::new();
        for token in Tokenizer::from(text) {
            match token.ok()? {
                Token::ElementStart { local, .. } => {
                    open.push(Self { name: local.as_str().to_owned(), ..Self::default() });
                }
                Token::Text { text } => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&plain(text.as_str()));
                    }
                }
                Token::Cdata { text, .. } => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(text.as_str());
                    }
                }
                Token::ElementEnd { end: ElementEnd::Close(..) | ElementEnd::Empty, .. } => {
                    let closed = open.pop()?;
                    match open.last_mut() {
                        Some(element) => element.parts.push(closed),
                        None => return Some(closed),
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The text of a part of this name; empty where there is none.
    pub fn field(&self, name: &str) -> &str {
        self.parts.iter().find(|part| part.name == name).map_or("", |part| part.text.trim())
    }

    /// The first part of this name, at any depth.
    pub fn first(&self, name: &str) -> Option<&Self> {
        self.parts.iter().find_map(|part| if part.name == name { Some(part) } else { part.first(name) })
    }

    /// The parts of a list of this name, at any depth.
    pub fn list(&self, name: &str) -> &[Self] {
        self.first(name).map_or(&[], |list| &list.parts)
    }
}

/// Without references to characters, as AWS writes them.
fn plain(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&#39;", "'").replace("&#xA;", "\n").replace("&#xD;", "").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_of_the_region_and_its_partition() {
        assert_eq!(host("ec2", "eu-west-1"), "https://ec2.eu-west-1.amazonaws.com");
        assert_eq!(host("autoscaling", "cn-north-1"), "https://autoscaling.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn a_form_names_the_action_and_its_fields() {
        let written =
            form("DescribeSpotPriceHistory", "2016-11-15", &[("ProductDescription.1", "Linux/UNIX (Amazon)")]);
        assert_eq!(
            written,
            "Action=DescribeSpotPriceHistory&Version=2016-11-15&ProductDescription.1=Linux%2FUNIX%20%28Amazon%29"
        );
    }

    #[test]
    fn an_answer_is_read_with_its_lists_and_without_references() {
        let text = r#"<?xml version="1.0"?>
            <R xmlns="http://x/"><set><item><a>1 &lt; 2 &amp; 3</a><b/></item><item><a>4</a></item></set><n>x</n></R>"#;
        let read = Element::parse(text).expect("is XML");
        let items: Vec<_> = read.list("set").iter().map(|item| (item.field("a"), item.field("b"))).collect();
        assert_eq!(items, [("1 < 2 & 3", ""), ("4", "")]);
        assert_eq!((read.field("n"), read.field("a")), ("x", ""));
        assert!(read.list("none").is_empty());
        for broken in ["", "<html", "<a><b></b>", "{}"] {
            assert_eq!(Element::parse(broken), None, "{broken}");
        }
    }
}
