use super::*;
use axum::http::Request;

const AT: &str = "20150830T123600Z";

/// The key pair of AWS's published examples.
fn example() -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
    }
}

fn now() -> Millis {
    moment(AT).expect("a moment")
}

struct Vector {
    method: &'static str,
    uri: &'static str,
    service: &'static str,
    /// In the order in which they are signed.
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    signature: &'static str,
}

const HOST: (&str, &str) = ("host", "example.amazonaws.com");
const DATE: (&str, &str) = ("x-amz-date", AT);
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// AWS's published examples: its signature test suite, and the request of the IAM User Guide.
const VECTORS: [Vector; 18] = [
    Vector {
        method: "GET",
        uri: "/ሴ",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    },
    Vector {
        method: "GET",
        uri: "/?ሴ=bar",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    },
    Vector {
        method: "GET",
        uri: "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    },
    Vector {
        method: "GET",
        uri: "/./example",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
    },
    Vector {
        method: "GET",
        uri: "/",
        service: "service",
        headers: &[
            HOST,
            ("my-header1", "value4"),
            ("my-header1", "value1"),
            ("my-header1", "value3"),
            ("my-header1", "value2"),
            DATE,
        ],
        body: "",
        signature: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    },
    Vector {
        method: "POST",
        uri: "/",
        service: "service",
        headers: &[HOST, ("my-header1", "VALUE1"), DATE],
        body: "",
        signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    },
    Vector {
        method: "POST",
        uri: "/?Param1=value1",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    },
    Vector {
        method: "POST",
        uri: "/",
        service: "service",
        headers: &[("content-type", "application/x-www-form-urlencoded; charset=utf8"), HOST, DATE],
        body: "Param1=value1",
        signature: "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    },
    Vector {
        method: "GET",
        uri: "/",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Vector {
        method: "GET",
        uri: "/?Param2=value2&Param1=value1",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    },
    Vector {
        method: "GET",
        uri: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    },
    Vector {
        method: "GET",
        uri: "//example//",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    },
    Vector {
        method: "GET",
        uri: "/example/..",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Vector {
        method: "GET",
        uri: "/",
        service: "service",
        headers: &[HOST, ("my-header1", "value1"), ("my-header2", "\"a   b   c\""), DATE],
        body: "",
        signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    },
    Vector {
        method: "GET",
        uri: "/",
        service: "service",
        headers: &[HOST, ("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1"), DATE],
        body: "",
        signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    },
    Vector {
        method: "POST",
        uri: "/",
        service: "service",
        headers: &[HOST, DATE],
        body: "",
        signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    },
    Vector {
        method: "POST",
        uri: "/",
        service: "service",
        headers: &[FORM, HOST, DATE],
        body: "Param1=value1",
        signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    },
    Vector {
        method: "GET",
        uri: "/?Action=ListUsers&Version=2010-05-08",
        service: "iam",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            DATE,
        ],
        body: "",
        signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    },
];

impl Vector {
    fn request(&self) -> Parts {
        let mut names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        names.dedup();
        let authorization = format!(
            "{ALGORITHM} Credential=AKIDEXAMPLE/20150830/us-east-1/{}/aws4_request, SignedHeaders={}, Signature={}",
            self.service,
            names.join(";"),
            self.signature
        );
        let request = Request::builder().method(self.method).uri(self.uri).header("authorization", authorization);
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).expect("a request").into_parts().0
    }
}

fn judge(parts: &Parts, body: &[u8], at: Millis) -> Result<(), Fault> {
    let claim = Claim::of(parts)?;
    claim.check(&parts.headers, &example(), at)?;
    claim.verify(parts, body, &example())
}

fn set(parts: &mut Parts, name: &'static str, value: &str) {
    parts.headers.insert(name, value.parse().expect("a value"));
}

#[test]
fn the_published_examples_verify_and_with_anything_changed_they_do_not() {
    for vector in &VECTORS {
        let parts = vector.request();
        let told = format!("{} {} {:?}", vector.method, vector.uri, vector.headers);
        assert_eq!(judge(&parts, vector.body.as_bytes(), now()), Ok(()), "{told}");

        let refused = |parts: &Parts, body: &[u8], change: &str| {
            let verdict = judge(parts, body, now());
            assert!(matches!(verdict, Err(Fault::Invalid(_))), "{change} of {told}: {verdict:?}");
        };
        refused(&parts, b"another body", "body");
        for (name, value) in vector.headers {
            let mut changed = vector.request();
            set(&mut changed, name, &format!("{value}x"));
            assert!(judge(&changed, vector.body.as_bytes(), now()).is_err(), "{name} of {told}");
        }
        let mut changed = vector.request();
        changed.uri = "/other".parse().expect("a path");
        refused(&changed, vector.body.as_bytes(), "path");
        let mut changed = vector.request();
        changed.method = "PUT".parse().expect("a method");
        refused(&changed, vector.body.as_bytes(), "method");
    }
}

#[test]
fn a_path_is_signed_as_it_is_sent_encoded_once_more() {
    let cases = [
        (
            "/v1/tags/arn%3Aaws%3Abatch%3Ar%3A1%3Ajob-queue%2Fq",
            "/v1/tags/arn%253Aaws%253Abatch%253Ar%253A1%253Ajob-queue%252Fq",
        ),
        ("/", "/"),
        ("", "/"),
        ("/./a//b/../c/", "/a/c/"),
        ("/..", "/"),
        ("/ሴ", "/%E1%88%B4"),
    ];
    for (raw, expected) in cases {
        let sent = Sent { method: "GET", path: raw, query: "", headers: &HeaderMap::new() };
        let canonical = String::from_utf8(canonical::request(sent, &[], "")).expect("a text");
        assert_eq!(canonical.lines().nth(1), Some(expected), "{raw}");
    }
}

#[test]
fn of_two_headers_that_are_no_text_each_has_its_own_form() {
    let form = |value: &[u8]| {
        let mut headers = HeaderMap::new();
        headers.insert("x-batchdeck-by", axum::http::HeaderValue::from_bytes(value).expect("a value"));
        let sent = Sent { method: "GET", path: "/", query: "", headers: &headers };
        canonical::request(sent, &["x-batchdeck-by".to_owned()], "")
    };
    assert_ne!(form(b"a\xff"), form(b"a\xfe"));
    assert_eq!(form(b" a  \t b "), form(b"a b"));
}

/// What was overheard can be said again until it is stale, as on AWS, where a retry is the same request; and it is good for
/// nothing else.
/// What somebody does to a signed request on its way.
type Change = fn(&mut Parts);

#[test]
fn a_request_that_is_said_again_later_or_for_something_else_is_refused() {
    let minute = 60_000;
    let overheard = || VECTORS[0].request();
    assert_eq!(judge(&overheard(), b"", now()), Ok(()));
    assert!(judge(&overheard(), b"", now() + 5 * minute + 1_000).is_err(), "stale");
    // Dated anew, in either place or both.
    let later = "20150830T124600Z";
    let changes: [(&str, Change); 5] = [
        ("dated anew", |parts| set(parts, "x-amz-date", "20150830T124600Z")),
        ("another day", |parts| {
            set(parts, "x-amz-date", "20150831T123600Z");
            edit(parts, "20150830", "20150831");
        }),
        ("another region", |parts| edit(parts, "us-east-1", "eu-west-1")),
        ("another service", |parts| edit(parts, "/service/", "/batch/")),
        ("without one of its headers", |parts| {
            parts.headers.remove("x-amz-date");
            set(parts, "date", "Sun, 30 Aug 2015 12:46:00 GMT");
            edit(parts, "host;x-amz-date", "host");
        }),
    ];
    for (what, change) in changes {
        for at in [now(), moment(later).expect("a moment"), now() + 24 * 60 * minute] {
            let mut parts = overheard();
            change(&mut parts);
            assert!(judge(&parts, b"", at).is_err(), "{what} at {}", basic(at));
        }
    }
}

#[test]
fn an_operation_reads_the_query_as_it_was_signed_without_what_belongs_to_the_signature() {
    let cases = [
        ("a=1&b=x%20y", "a=1&b=x%20y"),
        ("a=x+y", "a=x%2By"),
        ("tagKeys=a&tagKeys=b&X-Amz-Date=1&X-Amz-Signature=0", "tagKeys=a&tagKeys=b"),
        ("flag", "flag="),
        ("", ""),
    ];
    for (raw, expected) in cases {
        assert_eq!(bare_query(raw), expected, "{raw}");
    }
    assert_eq!(canonical::query("b=2&a=%2f&B=1&X-Amz-Signature=0"), "B=1&a=%2F&b=2");
}

#[test]
fn what_is_wrong_with_a_signature_is_said_in_awss_words() {
    type Change = fn(&mut Parts);
    let cases: [(&str, Change, &str); 12] = [
        ("unsigned", |parts| drop(parts.headers.remove("authorization")), "Missing Authentication Token"),
        ("another scheme", |parts| set(parts, "authorization", "Basic abc"), "Unsupported AWS 'algorithm': 'Basic'"),
        ("nothing in it", |parts| set(parts, "authorization", "AWS4-HMAC-SHA256 x"), "requires 'Credential' parameter"),
        ("no date", |parts| drop(parts.headers.remove("x-amz-date")), "'X-Amz-Date' or a 'Date' header"),
        ("a wrong date", |parts| set(parts, "x-amz-date", "2015-08-30"), "Date must be in ISO-8601 'basic format'"),
        ("another day", |parts| set(parts, "x-amz-date", "20150831T123600Z"), "'20150830' != '20150831'"),
        ("another key", |parts| edit(parts, "AKIDEXAMPLE", "AKIDOTHER"), "security token included in the request"),
        ("a session", |parts| set(parts, "x-amz-security-token", "x"), "security token included in the request"),
        ("a short scope", |parts| edit(parts, "/aws4_request", ""), "Credential must have the form"),
        ("an odd end", |parts| edit(parts, "aws4_request", "aws5_request"), "'aws4_request', not 'aws5_request'"),
        ("no host", |parts| edit(parts, "host;", ""), "'Host' must be a 'SignedHeader'"),
        (
            "a header besides",
            |parts| set(parts, "x-amz-target", "Logs_20140328.X"),
            "'x-amz-target' must be a 'SignedHeader'",
        ),
    ];
    for (what, change, words) in cases {
        let mut parts = VECTORS[0].request();
        change(&mut parts);
        let fault = judge(&parts, b"", now()).expect_err(what);
        assert!(fault.to_string().contains(words), "{what}: {fault}");
    }
    let mut parts = VECTORS[0].request();
    parts.uri = "/?X-Amz-Signature=0".parse().expect("a path");
    assert!(matches!(judge(&parts, b"", now()), Err(Fault::Incomplete(_))), "signed twice");
}

fn edit(parts: &mut Parts, from: &str, to: &str) {
    let header = parts.headers["authorization"].to_str().expect("text").replacen(from, to, 1);
    set(parts, "authorization", &header);
}

#[test]
fn a_skewed_clock_is_told_both_times() {
    let minute = 60_000;
    let parts = VECTORS[0].request();
    for at in [now() - 5 * minute, now() + 5 * minute] {
        assert_eq!(judge(&parts, b"", at), Ok(()));
    }
    let late = judge(&parts, b"", now() + 5 * minute + 1_000).expect_err("too late").to_string();
    assert_eq!(
        late,
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"
    );
    let early = judge(&parts, b"", now() - 6 * minute).expect_err("too early").to_string();
    assert_eq!(
        early,
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123500Z (20150830T123000Z + 5 min.)"
    );
}

#[test]
fn a_body_that_is_not_signed_is_not_taken() {
    for told in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "00"] {
        let mut parts = VECTORS[0].request();
        set(&mut parts, "x-amz-content-sha256", told);
        edit(&mut parts, "host;x-amz-date", "host;x-amz-content-sha256;x-amz-date");
        let fault = judge(&parts, b"", now()).expect_err(told).to_string();
        assert!(fault.contains("takes no unsigned"), "{fault}");
    }
}

#[test]
fn a_presigned_url_lives_as_long_as_it_says() {
    let presigned = |expires: &str, signature: &str| {
        let query = format!(
            "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fbatch%2Faws4_request&\
             X-Amz-Date={AT}&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}"
        );
        Request::get(format!("/batchdeck/v1/status?{query}"))
            .header("host", HOST.1)
            .body(())
            .expect("good")
            .into_parts()
            .0
    };
    // As botocore's SigV4QueryAuth signs it.
    let parts = presigned("600", "35e68cd583aab83f8ddd84ac3124864d3332fce0c7d25de6e313cb354671019b");
    assert_eq!(judge(&parts, b"", now()), Ok(()));
    assert_eq!(judge(&parts, b"", now() + 600_000), Ok(()));
    let late = judge(&parts, b"", now() + 601_000).expect_err("over").to_string();
    assert!(late.contains("good until 20150830T124600Z"), "{late}");
    let longer = presigned("700", "35e68cd583aab83f8ddd84ac3124864d3332fce0c7d25de6e313cb354671019b");
    assert!(judge(&longer, b"", now() + 601_000).is_err(), "its life is signed as well");
    for expires in ["0", "604801", "soon", "-1"] {
        let fault =
            judge(&presigned(expires, "35e68cd583aab83f8ddd84ac3124864d3332fce0c7d25de6e313cb354671019b"), b"", now());
        assert!(matches!(fault, Err(Fault::Incomplete(_))), "{expires}");
    }
}

crate::model::mutation::fuzz! {
    fn a_signature_that_is_almost_right_is_refused_in_words(
        header in crate::model::mutation::mutated_text(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/batch/aws4_request, SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        date in crate::model::mutation::mutated_text(AT),
        query in crate::model::mutation::mutated_text("X-Amz-Signature=00ff&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=9&a=%20b"),
    ) {
        for uri in ["/".to_owned(), format!("/?{query}")] {
            let request = Request::get(uri).header("authorization", &header).header("x-amz-date", &date).header("host", "h");
            // What is no request at all never comes so far.
            let Ok(request) = request.body(()) else { continue };
            let (parts, ()) = request.into_parts();
            let answer = Claim::of(&parts).and_then(|claim| {
                claim.check(&parts.headers, &example(), now())?;
                claim.verify(&parts, b"", &example())
            });
            assert!(answer.is_err(), "{header} {date} was let in");
        }
    }
}
