//! Expressions, and what Airbyte's framework makes of them.

use serde_json::json;

use super::*;

fn scope() -> Scope {
    let config = json!({
        "start": "2026-01-31T00:00:00Z", "name": "a'b", "n": 7, "yes": true, "none": null, "list": ["x", 1], "o": {"k": "v"},
        "deep": {"a": {"b": [{"id": 1, "on": true}, {"id": 2, "on": false}]}}
    });
    let response = json!({"next": "", "total": 12, "data": [], "flag": false});
    Scope::default()
        .with("config", value(&config))
        .with("response", value(&response))
}

fn compiled(source: &str) -> Result<Text> {
    let parameters = json!({"size": 100});
    let Value::Object(parameters) = parameters else {
        unreachable!()
    };
    Templates::new().compile(source, &parameters, &["response"], "streams[0].x")
}

fn eval(source: &str) -> Value {
    compiled(source)
        .and_then(|text| text.value(&scope()))
        .expect(source)
}

#[test]
fn texts_become_values_as_python_reads_them() {
    for (source, expected) in [
        ("plain", json!("plain")),
        ("478", json!(478)),
        ("{{ config['n'] }}", json!(7)),
        ("n{{ config.n }}", json!("n7")),
        ("{{ config['yes'] }}", json!(true)),
        ("{{ config['none'] }}", json!(null)),
        ("{{ config['list'] }}", json!(["x", 1])),
        ("{{ config['o'] }}", json!({"k": "v"})),
        ("{{ config['name'] }}", json!("a'b")),
        ("{{ config['missing'] }}", json!("")),
        ("{{ config.get('missing', 'd') }}", json!("d")),
        ("{{ parameters['size'] * 2 }}", json!(200)),
        ("{{ config['n'] | string }}", json!("7")),
        (
            "{{ ','.join(config['list'] | map('string')) }}",
            json!("x,\"\"\"1\"\"\""),
        ),
        ("{{ config['list'] | join('-') }}", json!("x-1")),
        ("{{ 'a,b'.split(',')[1] }}", json!("b")),
        (
            "{{ config['deep']['a']['b'] | selectattr('on') | map(attribute='id') | list }}",
            json!([1]),
        ),
        (
            "{{ (config['deep']['a']['b'] | selectattr('id', 'equalto', 2) | list)[0]['on'] }}",
            json!(false),
        ),
        (
            "{{ 'x' if config['n'] > 5 and not response.flag else 'y' }}",
            json!("x"),
        ),
        ("{{ 'k' in config['o'] }}", json!(true)),
        (
            "{% if config.n == 7 %}seven{% else %}other{% endif %}",
            json!("seven"),
        ),
        ("{% set a = config['n'] %}{{ a + 1 }}", json!(8)),
        ("{{ max(2, config['n']) }} {{ min([3, 1]) }}", json!("7 1")),
        ("{{ 'abc-123' | regex_search('-(\\\\d+)') }}", json!(123)),
        ("{{ 'me:it' | base64encode }}", json!("bWU6aXQ=")),
        (
            "{{ 'x' | hash('md5', 'y') }}",
            json!("3e44107170a520582ade522fa73c1d15"),
        ),
        ("{{ 1 / 2 }}", json!(0.5)),
        ("{{ 7 // 2 }}", json!(3)),
        ("{{ config['n'] is defined }}", json!(true)),
    ] {
        assert_eq!(eval(source), expected, "{source}");
    }
}

#[test]
fn moments_are_shown_moved_and_compared() {
    for (source, expected) in [
        (
            "{{ format_datetime(config['start'], '%d.%m.%y') }}",
            json!("31.01.26"),
        ),
        (
            "{{ format_datetime(config['start'], '%s') }}",
            json!(1_769_817_600),
        ),
        (
            "{{ format_datetime('31/01/2026', '%Y-%m-%d', '%d/%m/%Y') }}",
            json!("2026-01-31"),
        ),
        (
            "{{ format_datetime(1769817600, '%Y-%m-%d') }}",
            json!("2026-01-31"),
        ),
        ("{{ timestamp(config['start']) | int }}", json!(1_769_817_600)),
        (
            "{{ str_to_datetime(config['start']).strftime('%Y-%m-%dT%H:%M:%S.%fZ') }}",
            json!("2026-01-31T00:00:00.000000Z"),
        ),
        (
            "{{ (str_to_datetime(config['start']) - duration('P1M')).strftime('%Y-%m-%d') }}",
            json!("2025-12-31"),
        ),
        (
            "{{ str_to_datetime(config['start']) + duration('PT1H') }}",
            json!("2026-01-31 01:00:00+00:00"),
        ),
        (
            "{{ str_to_datetime(config['start']).isoformat() }}",
            json!("2026-01-31T00:00:00+00:00"),
        ),
        ("{{ str_to_datetime(config['start']) < now_utc() }}", json!(true)),
        (
            "{{ now_utc().strftime('%Y') == today_utc().strftime('%Y') }}",
            json!(true),
        ),
        (
            "{{ day_delta(0, format='%Y') == now_utc().strftime('%Y') }}",
            json!(true),
        ),
    ] {
        assert_eq!(eval(source), expected, "{source}");
    }
}

#[test]
fn conditions_and_members_may_name_what_is_not_there() {
    let truth = |source: &str| {
        compiled(source)
            .and_then(|text| text.is_true(&scope()))
            .expect(source)
    };
    assert!(truth("{{ response.total > 5 }}") && truth("yes") && truth("{{ 1 }}"));
    for source in [
        "{{ response.a.b }}",
        "{{ response.next }}",
        "{{ response.data }}",
        "{{ 0 }}",
        "",
        "{{ 'false' }}",
    ] {
        assert!(!truth(source), "{source}");
    }
    let member = |source: &str| {
        compiled(source)
            .and_then(|text| text.member(&scope(), Value::is_string))
            .expect(source)
    };
    assert_eq!(member("{{ response.a.b }}"), None);
    assert_eq!(member("{{ response.next }}"), None);
    assert_eq!(member("{{ response.total }}"), Some(json!("12")));
    assert!(
        compiled("{{ response.a.b }}")
            .expect("compiles")
            .value(&scope())
            .is_err()
    );
}

#[test]
fn names_that_there_are_not_are_refused_with_their_place() {
    for source in [
        "{{ stream_state['x'] }}",
        "{{ range(3) }}",
        "{{ a +",
        "{{ response | nope }}",
    ] {
        let error = compiled(source).err().expect(source).to_string();
        assert!(error.contains("streams[0].x: "), "{error}");
    }
}
