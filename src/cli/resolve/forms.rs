//! The options that say how texts are written that become values.

use super::Typed;
use crate::cli::args::FormArgs;
use crate::cli::error::UsageError;
use crate::cli::{list, value};
use crate::codec::forms::{Forms, Separators, Times};

/// The forms that are not the usual ones, or `None` where all of them are.
pub(super) fn resolve(typed: &Typed<'_>, args: &FormArgs) -> Result<Option<Box<Forms>>, UsageError> {
    let booleans = match &args.booleans[..] {
        [] => None,
        texts => Some(typed.value("booleans", &texts.join(","), str::parse)?),
    };
    let times = times(typed, args)?;
    let forms = Forms {
        booleans,
        separators: separators(typed, args)?,
        times: (times != Times::default()).then_some(times),
        blobs: args.blobs,
        timeuuid: args.timeuuid_from,
    };
    Ok(forms.unless_usual())
}

fn separators(typed: &Typed<'_>, args: &FormArgs) -> Result<Option<Separators>, UsageError> {
    let (decimal, thousands) = (&args.decimal_separator, &args.thousands_separator);
    let decimal = typed.value("decimal-separator", decimal, value::separator)?;
    let thousands = match thousands {
        none if none.eq_ignore_ascii_case("none") => None,
        text => Some(typed.value("thousands-separator", text, value::separator)?),
    };
    if (decimal, thousands) == ('.', None) {
        return Ok(None);
    }
    Separators::new(decimal, thousands).map(Some).map_err(UsageError::Combination)
}

fn times(typed: &Typed<'_>, args: &FormArgs) -> Result<Times, UsageError> {
    let wrong = |option: &'static str| {
        move |(text, problem): (String, String)| {
            let hint = "; a format with a comma in it stands in double quotes";
            typed.wrong(option, &text, problem + hint)
        }
    };
    let zone = args.timezone.as_ref().map(|zone| typed.value("timezone", zone, str::parse)).transpose()?;
    let times = Times::default()
        .with_timestamps(&list::split(&args.timestamp_format))
        .map_err(wrong("timestamp-format"))?
        .with_dates(&list::split(&args.date_format))
        .map_err(wrong("date-format"))?
        .with_clocks(&list::split(&args.time_format))
        .map_err(wrong("time-format"))?;
    Ok(times.with_meaning(args.epoch_unit, zone))
}

#[cfg(test)]
mod tests {
    use crate::cli::tests::{FakeWorld, check, load, refusal, verify};
    use crate::settings::LoadSettings;

    fn options(settings: &LoadSettings) -> Vec<String> {
        let forms = settings.input.codec.forms.as_ref().map(|forms| forms.options()).unwrap_or_default();
        forms.into_iter().map(|(option, value)| format!("{option}={value}")).collect()
    }

    #[test]
    fn every_option_reaches_its_setting_in_every_command() {
        let typed = "--booleans ja:nein --booleans 1:0 --decimal-separator , --thousands-separator nbsp --timestamp-format %d/%m/%Y,iso \
                     --timestamp-format epoch --date-format \"%d,%m,%Y\" --time-format %H.%M --epoch-unit US --timezone -03:30 --blobs BASE64 \
                     --timeuuid-from record";
        let expected = [
            "booleans=ja:nein,1:0",
            "decimal-separator=,",
            "thousands-separator=\u{a0}",
            r#"timestamp-format=["%d/%m/%Y","iso","epoch"]"#,
            r#"date-format=["%d,%m,%Y"]"#,
            r#"time-format=["%H.%M"]"#,
            "epoch-unit=us",
            "timezone=-03:30",
            "blobs=base64",
            "timeuuid-from=record",
        ];
        let world = FakeWorld::new();
        let given = format!("-t shop.orders a.csv {typed}");
        for settings in [load(&given, &world), check(&given, &world)] {
            assert_eq!(options(&settings.unwrap().settings), expected);
        }
        assert_eq!(options(&verify(typed, &world).unwrap()), expected);
        for usual in ["", "--decimal-separator . --thousands-separator NONE --blobs hex"] {
            let settings = load(&format!("-t shop.orders a.csv {usual}"), &world).unwrap().settings;
            assert_eq!(settings.input.codec.forms, None, "{usual}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_option() {
        let refuse = |typed: &str, said: &[&str]| {
            let line = refusal(typed, &FakeWorld::new());
            assert!(said.iter().all(|part| line.contains(part)), "{typed}: {line}");
        };
        refuse("--booleans ja", &["--booleans", "TRUE:FALSE"]);
        refuse("--decimal-separator ,,", &["--decimal-separator", "one character"]);
        refuse("--decimal-separator 1", &["no separator"]);
        refuse("--thousands-separator .", &["both", "--decimal-separator"]);
        refuse("--timestamp-format %H:%M", &["--timestamp-format", "lacks a year", "double quotes"]);
        refuse("--date-format %F%z", &["--date-format", "an offset"]);
        refuse("--time-format %F", &["--time-format", "a year"]);
        refuse("--timezone Paris", &["--timezone", "no time zone"]);
    }
}
