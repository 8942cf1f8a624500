//! What stands below the options in the help of every command that takes files: examples, where options may come from, exit
//! codes. Pure.

const LAYERS: &str = "\
Every option can also be given by the environment (--max-errors by RINGLOAD_MAX_ERRORS; flags as true or false) \
and by the file of --config (max-errors = \"1%\"; hosts = [\"db1\", \"db2\"]; files = [\"orders.csv\"]), at the top for \
all commands or in a table for one, as [load]. The command line comes before the environment, the environment before \
the file; a flag is taken back with =false, as in --tls=false.

A password comes from --password-file, from RINGLOAD_PASSWORD or from a prompt, never from an option. Lists are \
separated by commas or given one by one; an item with a comma stands in double quotes.";

/// The text with a command's own `examples` and `exit_codes`, whose lines are indented here.
pub(super) fn after(examples: &str, exit_codes: &str) -> String {
    format!("Examples:\n{}\n{LAYERS}\n\nExit codes:\n{}", indented(examples), indented(exit_codes).trim_end())
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_list_is_indented() {
        let text = after("one\ntwo", "0    all\n1    some");
        assert!(text.starts_with("Examples:\n  one\n  two\n\nEvery option"), "{text}");
        assert!(text.ends_with("\n\nExit codes:\n  0    all\n  1    some"), "{text}");
    }
}
