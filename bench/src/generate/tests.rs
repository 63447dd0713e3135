//! The same bytes for the same seed, and records that their SCHEMA describes.

use serde_json::Value;

use super::*;
use crate::records::{self, Depth};

fn text(recipe: &Recipe, format: Format) -> (String, Generated) {
    let mut out = Vec::new();
    let generated = recipe.write(format, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), generated)
}

fn of(shape: Shape, rows: u64) -> Recipe {
    Recipe {
        rows: Some(rows),
        ..Recipe::of(shape)
    }
}

/// The same everywhere and for ever: a report names a shape, and not its bytes.
#[test]
fn the_bytes_are_those_of_the_seed() {
    let golden: Vec<(&str, u64, u64)> = Shape::ALL
        .iter()
        .map(|(name, shape, _)| {
            let (text, generated) = text(&of(*shape, 300), Format::Singer);
            assert_eq!(text.len() as u64, generated.bytes, "{name}");
            let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
            (*name, generated.records, hash)
        })
        .collect();
    assert_eq!(golden, GOLDEN);
}

const GOLDEN: [(&str, u64, u64); 15] = [
    ("lineitem", 300, 9_149_920_519_199_983_534),
    ("orders", 300, 5_735_317_270_698_215_507),
    ("customer", 300, 12_805_077_762_990_928_418),
    ("part", 300, 8_229_161_726_633_653_708),
    ("partsupp", 300, 2_086_716_156_378_595_094),
    ("supplier", 300, 14_646_955_065_661_296_301),
    ("nation", 25, 10_237_668_480_788_190_671),
    ("region", 5, 3_661_264_933_524_187_295),
    ("narrow", 300, 12_228_663_615_507_612_107),
    ("wide", 300, 1_842_572_289_337_409_267),
    ("nested", 300, 8_966_556_745_887_458_714),
    ("text", 300, 4_427_366_998_000_312_941),
    ("unicode", 300, 6_044_175_992_324_212_817),
    ("streams", 300, 9_387_905_187_198_986_114),
    ("changes", 300, 17_662_947_459_990_777_726),
];

#[test]
fn records_have_the_columns_of_their_schema_and_states_count_them() {
    for (name, shape, _) in Shape::ALL {
        let (text, generated) = text(&of(shape, 2500), Format::Singer);
        let mut schemas = std::collections::HashMap::new();
        let mut last = Value::Null;
        for line in text.lines() {
            let mut message: Value = serde_json::from_str(line).unwrap();
            let stream = message["stream"].as_str().unwrap_or_default().to_owned();
            match message["type"].as_str() {
                Some("SCHEMA") => {
                    schemas.insert(stream, message["schema"]["properties"].take());
                }
                Some("RECORD") => {
                    let record = message["record"].as_object().unwrap();
                    let known = schemas[&stream].as_object().unwrap();
                    assert!(record.keys().all(|key| known.contains_key(key)), "{name}: {line}");
                }
                _ => last = message["value"].take(),
            }
        }
        let counted: u64 = last["bookmarks"]
            .as_object()
            .unwrap()
            .values()
            .map(|bookmark| bookmark["replication_key_value"].as_u64().unwrap())
            .sum();
        assert_eq!(
            counted, generated.records,
            "{name}: the last STATE covers all records"
        );
        let counted = records::read(text.as_bytes(), Depth::Count).unwrap();
        assert_eq!(counted.records, generated.records, "{name}");
        assert_eq!(schemas.len() as u64, generated.streams, "{name}");
    }
}

#[test]
fn another_seed_makes_other_values_and_tpch_has_none() {
    let seeded = |seed| Recipe {
        seed: Some(seed),
        ..of(Shape::Narrow, 100)
    };
    assert_eq!(text(&seeded(7), Format::Singer), text(&seeded(7), Format::Singer));
    assert_ne!(text(&seeded(7), Format::Singer), text(&seeded(8), Format::Singer));
    let tpch = Recipe {
        seed: Some(7),
        ..of(Shape::Tpch(Table::Orders), 10)
    };
    let error = tpch.write(Format::Singer, std::io::sink()).unwrap_err();
    assert!(
        error.to_string().contains("--seed does not fit orders"),
        "{error}"
    );
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let narrow = of(Shape::Narrow, 10);
    let wrong = [
        (
            Recipe {
                scale: Some(1.0),
                ..narrow
            },
            Format::Singer,
            "--scale",
        ),
        (
            Recipe {
                columns: Some(3),
                ..narrow
            },
            Format::Singer,
            "--columns",
        ),
        (
            Recipe {
                streams: Some(3),
                ..narrow
            },
            Format::Singer,
            "--streams",
        ),
        (of(Shape::Streams, 10), Format::Csv, "--format"),
        (
            Recipe {
                scale: Some(-1.0),
                ..Recipe::of(Shape::Tpch(Table::Orders))
            },
            Format::Csv,
            "--scale",
        ),
    ];
    for (recipe, format, option) in wrong {
        let error = recipe.write(format, std::io::sink()).unwrap_err();
        assert!(error.to_string().contains(option), "{error}");
        assert_eq!(error.kind(), Kind::Usage);
    }
}

#[test]
fn a_table_grows_with_its_scale_and_rows_choose_the_scale() {
    let (_, nation) = text(&Recipe::of(Shape::Tpch(Table::Nation)), Format::Csv);
    assert_eq!(nation.records, 25);
    let small = Recipe {
        scale: Some(0.01),
        ..Recipe::of(Shape::Tpch(Table::Supplier))
    };
    assert_eq!(text(&small, Format::Csv).1.records, 100);
    assert_eq!(
        text(&of(Shape::Tpch(Table::Supplier), 10_001), Format::Csv)
            .1
            .records,
        10_001
    );
}

#[test]
fn csv_has_a_field_for_each_column() {
    for (name, shape, _) in Shape::ALL.iter().filter(|(_, shape, _)| *shape != Shape::Streams) {
        let (text, generated) = text(&of(*shape, 200), Format::Csv);
        let mut fields = Vec::new();
        let (mut count, mut quoted) = (1, false);
        for c in text.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => count += 1,
                '\n' if !quoted => fields.push(std::mem::replace(&mut count, 1)),
                _ => {}
            }
        }
        assert_eq!(fields.len() as u64, generated.records + 1, "{name}");
        assert!(
            fields.iter().all(|count| *count == fields[0]),
            "{name}: {fields:?}"
        );
    }
}

#[test]
fn changes_repeat_their_keys() {
    let (_, generated) = text(&of(Shape::Changes, 10_000), Format::Singer);
    assert!(generated.keys > 500 && generated.keys < 3000, "{generated:?}");
    let parameters = Recipe {
        streams: Some(3),
        ..of(Shape::Streams, 100)
    };
    assert_eq!(text(&parameters, Format::Singer).1.streams, 3);
}

/// The data of the examples was made in this way, and stays so.
#[test]
fn tables_are_those_of_the_examples() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/tpch/data");
    for name in ["nation", "region", "supplier", "customer", "orders"] {
        let recipe = Recipe {
            scale: Some(0.002),
            ..Recipe::of(Shape::named(name).unwrap())
        };
        let expected = std::fs::read_to_string(folder.join(format!("{name}.csv"))).unwrap();
        let (found, _) = text(&recipe, Format::Csv);
        let different = found
            .lines()
            .zip(expected.lines())
            .find(|(found, expected)| found != expected);
        assert!(found == expected, "{name}: {different:?}");
    }
}
