//! Where credentials come from on AWS, as the whole program finds them: each source of AWS's standard chain on loopback, and
//! what is said where a source gives none. A played service tells by the signature whose credentials came.

use crate::aws::played::{Answer, Asked, Played};
use crate::aws::world;
use crate::console_aws::house_at;
use crate::support::House;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const TOKEN: &str = "token-of-the-pod";
const EXPIRY: &str = "2099-01-01T00:00:00Z";

/// Batch with one queue, and beside it every service that gives credentials, each with a key of its own.
fn play(asked: &Asked) -> Answer {
    let keys = |id: &str| {
        Answer::Json(json!({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
            "AccessKeyId": id, "SecretAccessKey": "hush", "Token": "t", "Expiration": EXPIRY}))
    };
    match asked.line.as_str() {
        "POST /v1/describejobqueues" => Answer::Json(json!({"jobQueues": [{"jobQueueName": "main", "priority": 1}]})),
        "POST /v1/listjobs" => Answer::Json(json!({"jobSummaryList": []})),
        "POST /" => of_sts(asked.body.as_str().unwrap_or_default()),
        "PUT /latest/api/token" => Answer::Text("imds".to_owned(), "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"),
        "GET /latest/meta-data/iam/security-credentials/" => Answer::Text("console".to_owned(), ""),
        "GET /latest/meta-data/iam/security-credentials/console" => keys("ASIAINSTANCE"),
        "GET /latest/meta-data/placement/region" => Answer::Text("eu-north-1".to_owned(), ""),
        "GET /container" => keys("ASIACONTAINER"),
        line if line.starts_with("GET /federation/credentials?") => {
            let (account, role) = (line.contains("account_id=123456789012"), line.contains("role_name=Ops"));
            assert!(account && role, "{line}");
            Answer::Json(json!({"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "hush",
                "sessionToken": "t", "expiration": 4_000_000_000_000_u64}}))
        }
        other => Answer::Refusal(404, "NotPlayed", Box::leak(format!("nobody plays {other}").into_boxed_str())),
    }
}

/// STS, which takes one token.
fn of_sts(form: &str) -> Answer {
    if !form.contains(&format!("WebIdentityToken={TOKEN}")) {
        let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code><Message>Token expired: \
                   current date/time must be before the expiration date/time</Message></Error></ErrorResponse>";
        return Answer::RefusedAs(400, xml.to_owned());
    }
    assert!(form.contains("Action=AssumeRoleWithWebIdentity") && form.contains("role%2Fconsole"), "{form}");
    let xml = format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId>\
         <SecretAccessKey>hush</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{EXPIRY}</Expiration>\
         </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    );
    Answer::Text(xml, "content-type: text/xml\r\n")
}

/// A house without keys in its environment, and its own home.
fn house_without_keys(endpoint: &str) -> House {
    let house = house_at(endpoint);
    let home = house.path().display().to_string();
    house
        .without_variable("AWS_ACCESS_KEY_ID")
        .without_variable("AWS_SECRET_ACCESS_KEY")
        .with_variable("AWS_ENDPOINT_URL_SSO", endpoint)
        .with_variable("HOME", &home)
}

fn with_profiles(house: House, config: &str) -> House {
    let file = house.path().join("aws-config");
    fs::write(&file, config).expect("written");
    house.with_variable("AWS_CONFIG_FILE", &file.display().to_string())
}

/// Whose key has signed the calls to Batch, and for which region.
fn signed_by(service: &Played) -> Vec<(String, String)> {
    let of_batch = service.asked().into_iter().filter(|asked| asked.line == "POST /v1/describejobqueues");
    let scopes = of_batch.map(|asked| {
        let scope = asked.authorization.split_once("Credential=").expect("is signed").1.to_owned();
        let mut parts = scope.split('/');
        let (key, region) = (parts.next().expect("a key"), parts.nth(1).expect("a region"));
        (key.to_owned(), region.to_owned())
    });
    scopes.collect()
}

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("sets");
}

const QUEUES: [&str; 3] = ["--context", "aws", "queues"];

#[test]
fn each_source_of_the_chain_gives_the_credentials_that_calls_are_signed_with() {
    type Furnish = fn(House, &str) -> House;
    let sources: [(&str, &str, Furnish); 5] = [
        ("ASIAWEB", "eu-west-1", |house, _| {
            let file = house.path().join("token");
            fs::write(&file, TOKEN).expect("written");
            house
                .with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", &file.display().to_string())
                .with_variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/console")
        }),
        // Of an instance, the region is known too.
        ("ASIAINSTANCE", "eu-north-1", |house, endpoint| {
            house
                .with_variable("AWS_EC2_METADATA_DISABLED", "false")
                .with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)
                .without_variable("AWS_DEFAULT_REGION")
        }),
        ("ASIACONTAINER", "eu-west-1", |house, endpoint| {
            house.with_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{endpoint}/container"))
        }),
        ("ASIAPROCESS", "eu-central-1", |house, _| {
            let tool = house.path().join("vault");
            script(
                &tool,
                &format!(
                    "echo '{{\"Version\": 1, \"AccessKeyId\": \"ASIAPROCESS\", \"SecretAccessKey\": \"hush\", \
                     \"SessionToken\": \"t\", \"Expiration\": \"{EXPIRY}\"}}'"
                ),
            );
            let config = format!("[profile ops]\nregion = eu-central-1\ncredential_process = {} aws\n", tool.display());
            with_profiles(house, &config).with_variable("AWS_PROFILE", "ops").without_variable("AWS_DEFAULT_REGION")
        }),
        ("ASIASSO", "eu-west-1", |house, _| {
            // AWS's command line names the file by the SHA-1 of the session's name, `corp`.
            let cache = house.path().join(".aws/sso/cache");
            fs::create_dir_all(&cache).expect("made");
            let token = json!({"accessToken": "signed-in", "expiresAt": EXPIRY, "region": "eu-west-1",
                "startUrl": "https://corp.awsapps.com/start"});
            fs::write(cache.join("ee0bfd2552fbd840c02cc48b6e823320543c450f.json"), token.to_string()).expect("written");
            with_profiles(house, &sso_profile()).with_variable("AWS_PROFILE", "ops")
        }),
    ];
    for (key, region, furnish) in sources {
        let service = Played::new(play);
        let house = furnish(house_without_keys(&service.endpoint()), &service.endpoint());
        let queues = house.json(&QUEUES);
        assert_eq!(queues[0]["jobQueueName"], "main", "{key}");
        let signed = signed_by(&service);
        assert!(!signed.is_empty() && signed.iter().all(|by| *by == (key.to_owned(), region.to_owned())), "{signed:?}");
    }
}

fn sso_profile() -> String {
    "[profile ops]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Ops\n\
     [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n"
        .to_owned()
}

#[test]
fn a_profile_that_a_context_names_goes_before_what_the_environment_says() {
    let service = Played::new(play);
    let house = house_at(&service.endpoint());
    let tool = house.path().join("vault");
    script(&tool, "echo '{\"Version\": 1, \"AccessKeyId\": \"ASIAPROCESS\", \"SecretAccessKey\": \"hush\"}'");
    let token = house.path().join("token");
    fs::write(&token, TOKEN).expect("written");
    let config = format!(
        "[profile tool]\nregion = eu-central-1\ncredential_process = {}\n\
         [profile pod]\nregion = eu-south-1\nrole_arn = arn:aws:iam::123456789012:role/console\n\
         web_identity_token_file = {}\n",
        tool.display(),
        token.display()
    );
    let house = with_profiles(house, &config);
    for (profile, key, region) in [("tool", "ASIAPROCESS", "eu-central-1"), ("pod", "ASIAWEB", "eu-south-1")] {
        house.json(&["--context", profile, "queues"]);
        let signed = signed_by(&service);
        assert_eq!(signed.last(), Some(&(key.to_owned(), region.to_owned())), "{profile}");
    }
}

#[test]
fn a_source_that_gives_none_is_told_in_one_line_with_what_mends_it() {
    let service = Played::new(play);
    let old = |house: House| {
        let file = house.path().join("token");
        fs::write(&file, "token-of-yesterday").expect("written");
        house
            .with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", &file.display().to_string())
            .with_variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/console")
    };
    let bare = || house_without_keys(&service.endpoint());
    let gone = bare();
    let missing = gone.path().join("gone").display().to_string();
    let gone = gone
        .with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", &missing)
        .with_variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/console");
    let locked = bare();
    let tool = locked.path().join("vault");
    script(&tool, "echo 'the vault is locked' >&2; exit 3");
    let config = format!("[profile ops]\ncredential_process = {}\n", tool.display());
    let locked = with_profiles(locked, &config).with_variable("AWS_PROFILE", "ops");
    let signed_out = with_profiles(bare(), &sso_profile()).with_variable("AWS_PROFILE", "ops");
    let renew_tool = format!("Renew them with `{}`", tool.display());
    let cases: [(House, [&str; 2]); 4] = [
        (old(bare()), ["Token expired", "read again for the next call"]),
        (gone, [&missing, "read again for the next call"]),
        (locked, ["the vault is locked", &renew_tool]),
        (signed_out, ["sso", "Sign in with `aws sso login --profile ops`"]),
    ];
    for (house, words) in cases {
        let output = house.run(&QUEUES);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && told.starts_with("error: opening the context `aws`: AWS credentials: "),
            "{told}"
        );
        assert!(words.iter().all(|word| told.contains(word)), "{words:?}: {told}");
        assert!(told.trim_end().lines().count() == 1 && told.len() < 500 && !told.contains("hush"), "{told}");
        let examined = house.run(&["--context", "aws", "doctor", "-o", "json"]);
        let findings: Value = serde_json::from_slice(&examined.stdout).expect("JSON");
        let first = (&findings[0]["what"], &findings[0]["verdict"]);
        assert_eq!(first, (&"credentials".into(), &"bad".into()), "{findings:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_a_web_identity_is_assumed_at_a_whole_mock_of_aws_too() {
    let Some(world) = world().await else { return };
    let house = house_without_keys(&world.moto.endpoint());
    let file = house.path().join("token");
    fs::write(&file, TOKEN).expect("written");
    let house = house
        .with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", &file.display().to_string())
        .with_variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/console")
        .with_variable("AWS_ROLE_SESSION_NAME", "night");
    let findings: Value = house.json(&["--context", "aws", "doctor"]);
    let all = findings.as_array().expect("a list");
    let who = all.iter().find(|finding| finding["what"] == "credentials").expect("is told");
    assert_eq!(who["told"], "arn:aws:sts::123456789012:assumed-role/console/night", "{findings:#}");
}
