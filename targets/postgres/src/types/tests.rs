use super::*;
use Type::*;

fn array(element: Type) -> Type {
    Array(Box::new(element))
}

fn scalars() -> Vec<Type> {
    vec![
        Boolean,
        SmallInt,
        Integer,
        BigInt,
        Numeric(None),
        Numeric(Some((10, 2))),
        Numeric(Some((25, 5))),
        Numeric(Some((38, 0))),
        Numeric(Some((5, -2))),
        Real,
        Double,
        Text,
        Varchar(None),
        Varchar(Some(9)),
        Char(4),
        Date,
        Time(None),
        Time(Some(3)),
        TimeTz(None),
        Timestamp(None),
        Timestamp(Some(0)),
        TimestampTz(None),
        Uuid,
    ]
}

#[test]
fn names_are_read_as_they_are_written() {
    let mut types = scalars();
    types.extend([
        Jsonb,
        Json,
        Bytea,
        array(Timestamp(None)),
        array(Numeric(Some((9, 3)))),
    ]);
    types.push(Other("vector(3)".into()));
    for data_type in types {
        assert_eq!(Type::named(&data_type.sql()), data_type);
    }
    for (name, data_type) in [
        ("int8", BigInt),
        ("DECIMAL(9, 3)", Numeric(Some((9, 3)))),
        ("numeric(7)", Numeric(Some((7, 0)))),
        ("timestamp(3) without time zone", Timestamp(Some(3))),
        ("timestamptz(0)", TimestampTz(Some(0))),
        ("time(2)", Time(Some(2))),
        ("timetz", TimeTz(None)),
        ("char", Char(1)),
        ("text[][]", array(Text)),
        ("public.Mood", Other("public.Mood".into())),
        ("bit(3)", Other("bit(3)".into())),
        ("integer(3)", Other("integer(3)".into())),
        ("numeric(x)", Other("numeric(x)".into())),
    ] {
        assert_eq!(Type::named(name), data_type, "{name}");
    }
}

#[test]
fn widening_goes_up_the_lattice() {
    for (a, b, up) in [
        (SmallInt, Integer, Some(Integer)),
        (Integer, BigInt, Some(BigInt)),
        (BigInt, Integer, Some(BigInt)),
        (BigInt, Numeric(None), Some(Numeric(None))),
        (BigInt, Numeric(Some((10, 2))), Some(Numeric(Some((21, 2))))),
        (Numeric(None), Text, Some(Text)),
        (Date, Timestamp(None), Some(Timestamp(None))),
        (Timestamp(None), Text, Some(Text)),
        (Boolean, Integer, Some(Text)),
        (Time(None), Text, Some(Text)),
        (Uuid, Text, Some(Text)),
        (Varchar(None), Integer, Some(Varchar(None))),
        (Double, Numeric(None), Some(Double)),
        (Integer, Jsonb, None),
        (Jsonb, Text, Some(Jsonb)),
        (array(Integer), array(BigInt), Some(array(BigInt))),
        (array(Text), Jsonb, Some(Jsonb)),
        (array(Integer), Integer, None),
        (Bytea, Text, None),
    ] {
        assert_eq!(a.join(&b), up, "{a:?} {b:?}");
    }
}

#[test]
fn what_is_stored_keeps_its_digits_when_a_column_widens() {
    for (a, b, up) in [
        (BigInt, Double, Numeric(None)),
        (BigInt, Real, Numeric(None)),
        (Integer, Double, Double),
        (Integer, Real, Double),
        (SmallInt, Real, Real),
        (SmallInt, Double, Double),
        (Numeric(Some((25, 5))), Double, Numeric(None)),
        (Numeric(Some((15, 2))), Double, Double),
        (Numeric(Some((16, 2))), Double, Numeric(None)),
        (Numeric(Some((6, 2))), Real, Real),
        (Numeric(None), Double, Numeric(None)),
        (Integer, Varchar(Some(5)), Varchar(None)),
        (Timestamp(None), Varchar(Some(5)), Varchar(None)),
        (Text, Varchar(Some(5)), Text),
        (Uuid, Char(3), Text),
        (array(BigInt), array(Double), array(Numeric(None))),
        (
            Numeric(Some((999, 0))),
            Numeric(Some((999, 99))),
            Numeric(Some((999, 99))),
        ),
    ] {
        let joined = a.join(&b);
        if a == Numeric(Some((999, 0))) {
            // More digits than a numeric with limits can have.
            assert_eq!(joined, Some(Numeric(None)));
            continue;
        }
        assert_eq!(joined, Some(up), "{a:?} {b:?}");
    }
    assert_eq!(BigInt.conversion("x", &Numeric(None)), "x::numeric");
    assert_eq!(Double.conversion("x", &Numeric(None)), "x::text::numeric");
    assert_eq!(Real.conversion("x", &Double), "x::text::double precision");
    assert_eq!(Double.conversion("x", &Text), "x::text");
    assert_eq!(
        array(Real).conversion("x", &array(Numeric(None))),
        "x::text::numeric[]"
    );
    assert_eq!(array(Text).conversion("x", &Jsonb), "pg_catalog.to_jsonb(x)");
}

#[test]
fn what_is_joined_takes_both() {
    for a in scalars() {
        for b in scalars() {
            let up = a.join(&b).expect("scalars become text at the worst");
            assert!(up.takes(&a) && up.takes(&b), "{a:?} {b:?} {up:?}");
        }
    }
}

#[test]
fn a_value_that_does_not_fit_widens_what_takes_others() {
    for (a, b, up) in [
        (Varchar(Some(5)), Text, Some(Varchar(None))),
        (Varchar(Some(5)), Varchar(Some(9)), Some(Varchar(Some(9)))),
        (Varchar(Some(5)), Varchar(Some(5)), None),
        (Char(5), Text, Some(Text)),
        (Char(5), Char(5), None),
        (Integer, BigInt, Some(BigInt)),
        (BigInt, BigInt, None),
        (Double, Numeric(None), Some(Numeric(None))),
        (Real, Double, Some(Double)),
        (Double, BigInt, None),
        (Timestamp(None), Timestamp(None), None),
        (Timestamp(None), Text, Some(Text)),
        (array(Integer), array(Text), Some(array(Text))),
        (array(Integer), array(Integer), None),
        (array(Text), Jsonb, Some(Jsonb)),
        (BigInt, Jsonb, None),
    ] {
        assert_eq!(a.widened(&b), up, "{a:?} {b:?}");
    }
}

#[test]
fn dates_and_uuids_travel_as_text_and_numbers_do_not() {
    for (a, b, some) in [
        (Timestamp(None), Text, true),
        (Date, Timestamp(None), true),
        (Date, Varchar(None), true),
        (Time(None), Text, true),
        (Uuid, Text, true),
        (Integer, Numeric(None), true),
        (Numeric(Some((5, 2))), Double, true),
        (array(Text), array(Jsonb), true),
        (Integer, Text, false),
        (Boolean, Text, false),
        (Boolean, Integer, false),
        (Timestamp(None), Integer, false),
        (array(Text), Jsonb, false),
    ] {
        assert_eq!(a.takes_some(&b), some, "{a:?} {b:?}");
    }
}
