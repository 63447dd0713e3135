use super::*;

fn slots(kinds: &[Kind]) -> Vec<Slot> {
    let slot = |(at, &kind)| Slot::Cell { at, kind };
    kinds.iter().enumerate().map(slot).collect()
}

/// What the cells of a row become, and their texts; at the end of the text, and far from it.
fn find(row: &str, kinds: &[Kind], nulls: &[String]) -> Result<Vec<(Form, String)>, usize> {
    let mut ends = vec![usize::MAX];
    ends.extend(row.match_indices(',').map(|(at, _)| at));
    ends.push(row.len());
    let of = |text: &str| {
        let record = Record {
            text,
            scratch: "",
            cells: Cells::Plain {
                ends: &ends,
                quote: b'"',
            },
            plain: true,
            line: 1,
            byte: 0,
        };
        let mut forms = Forms::new(&slots(kinds));
        forms.find(&record, &Nulls::new(nulls, None))?;
        let found = |part: &Part| (part.form, text[part.start..part.end].to_owned());
        Ok(forms.parts().iter().map(found).collect())
    };
    let found = of(row);
    assert_eq!(of(&format!("{row}\n{}", "7".repeat(99))), found);
    found
}

#[test]
fn cells_become_what_their_kinds_say() {
    use Kind::{Boolean, Date, DateTime, Integer, Number, Text};
    let kinds = [Integer, Number, Date, Text, Text, Boolean, DateTime, Text];
    let row = "-12,\"1.5\",2024-02-29,\"a b\",,TRUE,2024-02-29 10:00:00,x";
    let expected = [
        (Form::Number, "-12"),
        (Form::Number, "1.5"),
        (Form::Plain, "2024-02-29"),
        (Form::Plain, "a b"),
        (Form::Plain, ""),
        (Form::True, "TRUE"),
        (Form::Plain, "2024-02-29 10:00:00"),
        (Form::Plain, "x"),
    ];
    assert_eq!(
        find(row, &kinds, &[]),
        Ok(expected.map(|(form, text)| (form, text.to_owned())).to_vec())
    );
    let forms = |row, nulls: &[&str]| {
        let nulls: Vec<_> = nulls.iter().map(|&null| null.to_owned()).collect();
        find(row, &[Text, Integer], &nulls).map(|found| found.iter().map(|(form, _)| *form).collect())
    };
    assert_eq!(forms(",", &[]), Ok(vec![Form::Plain, Form::Null]));
    assert_eq!(forms("NA,1", &["NA", "1"]), Ok(vec![Form::Null, Form::Null]));
    assert_eq!(forms("\"NA\",1", &["NA"]), Ok(vec![Form::Null, Form::Number]));
    assert_eq!(
        forms("x", &[]),
        Ok(vec![Form::Plain, Form::Null]),
        "a cell too few"
    );
}

#[test]
fn the_first_that_is_wrong_is_told() {
    let kinds = [Kind::Text, Kind::Date, Kind::Boolean, Kind::Integer];
    assert_eq!(find("x,2024-02-30,no,1.5", &kinds, &[]), Err(1));
    assert_eq!(find("x,2024-02-28,no,1.5", &kinds, &[]), Err(2));
    assert_eq!(find("x,2024-02-28,false,1.5", &kinds, &[]), Err(3));
}
