# shellcheck shell=bash
# Sourced by scripts/bench: ringload and others load the same files into the same node in turns, and the tables are compared with the
# files. A loader is a function run_NAME that sets what measure.sh's attempt sets; a data set is a kind of scripts/gen-data.

# What is installed; the versions are in the results too.
dsbulk_version=1.10.0
cqlsh_version=6.2.2
driver_version=3.30.1

peers_venv=$work/venv-peers

# rows_of KIND ROWS: rows with many columns are dear, so a quarter of them is enough.
rows_of() {
    case $1 in
        wide | flights) printf '%s' "$(($2 / 4))" ;;
        *) printf '%s' "$2" ;;
    esac
}

# table_of KIND
table_of() {
    case $1 in
        sorted) printf sensors ;;
        *) printf '%s' "$1" ;;
    esac
}

# null_of KIND: what an unquoted field has that is null, if not nothing.
null_of() { if [[ $1 == flights ]]; then printf NA; fi; }

need_loader() {
    case $1 in
        ringload) need_ringload ;;
        ceiling)
            need_rust
            cargo build --release --locked --example ceiling
            ;;
        dsbulk) fetch_jars "$root/scripts/bench.d/pom.xml" "$work/dsbulk" ;;
        cqlsh | python)
            [[ -x $peers_venv/bin/cqlsh ]] && return 0
            python3 -m venv "$peers_venv"
            "$peers_venv/bin/pip" install --quiet "cqlsh==$cqlsh_version" "cassandra-driver==$driver_version"
            ;;
        *) fail "unknown loader '$1': ringload, ceiling, dsbulk, cqlsh and python are known" ;;
    esac
}

# name_of LOADER: as the results call it.
name_of() {
    case $1 in
        dsbulk) printf 'dsbulk %s' "$dsbulk_version" ;;
        cqlsh) printf 'cqlsh %s COPY' "$cqlsh_version" ;;
        python) printf 'Python driver %s, a pool of processes' "$driver_version" ;;
        ceiling) printf 'requests made beforehand, only sent' ;;
        *) printf '%s' "$1" ;;
    esac
}

# run_loader LOADER KIND FILE: loads the file into its table, measured.
run_loader() { "run_$1" "bench.$(table_of "$2")" "$3" "$(null_of "$2")"; }

run_ringload() {
    attempt "$ringload" load -t "$1" --hosts "$point" "${workers[@]}" ${3:+--null "$3"} --rejects "$work/rejects" "$2"
}

# The defaults, but for quotes as RFC 4180 has them.
run_dsbulk() {
    rm -rf "$work/dsbulk-logs"
    attempt "$java" -Xmx2g -cp "$work/dsbulk/*" com.datastax.oss.dsbulk.runner.DataStaxBulkLoader load -url "$2" \
        -k "${1%.*}" -t "${1#*.}" -h "${point%:*}" -header true -escape '\"' ${3:+--codec.nullStrings "$3"} \
        --dsbulk.log.directory "$work/dsbulk-logs"
}

# As many processes as cores and no rate, which is more than its defaults give it; and the form of the times, without which all of them
# become midnight. Its own escape character, a backslash: with ESCAPE = '"', as the sensors' quotes want it, it waits for a record of every
# line and aborts after 90 s (6.2.2).
run_cqlsh() {
    local columns times='%Y-%m-%dT%H:%M:%S.%f%z'
    columns=$(head -n 1 "$2")
    if [[ $1 == *.flights ]]; then times='%Y-%m-%dT%H:%M:%S%z'; fi
    # Its own files go to its home.
    attempt env HOME="$work" "$peers_venv/bin/cqlsh" "${point%:*}" 9042 -e "COPY $1 ($columns) FROM '$2' WITH HEADER = true
        AND NULL = '$3' AND DATETIMEFORMAT = '$times' AND NUMPROCESSES = $(nproc) AND INGESTRATE = 10000000
        AND ERRFILE = '$work/cqlsh.err'"
    rm -f "$work/cqlsh.err"*
}

run_python() { attempt "$peers_venv/bin/python" scripts/bench.d/loader.py "${point%:*}" "$1" "$2" "$3"; }

# The time of the sending only, which it prints itself.
run_ceiling() {
    # shellcheck disable=SC2086 # words
    attempt "${ringload%/*}/examples/ceiling" --hosts "$point" -t "$1" --null "$3" ${CEILING:-} "$2"
    [[ $code -ne 0 ]] || { wall=$(told seconds) client_cpu=$(told cpu_seconds); }
}

# told NAME: a value that the last command or comparison printed as NAME=VALUE.
told() { sed -n "s/^$1=//p" "$work/out.log"; }

# compare KIND FILE: what of the table is as in the file; leaves it in $work/out.log.
compare() {
    local classes=$work/classes lib=target/cassandra/lib source=scripts/bench.d/Compare.java
    if [[ ! $classes/Compare.class -nt $source ]]; then
        "$java" -cp "$(printf '%s' "$lib"/ecj-*.jar)" org.eclipse.jdt.internal.compiler.batch.Main -nowarn -source 17 -target 17 \
            -cp "$(printf '%s' "$lib"/cassandra-driver-core-*.jar)" -d "$classes" "$source" || fail "Compare.java does not compile"
    fi
    "$java" -Xmx2g "-Dlogback.configurationFile=file://$root/scripts/cassandra.d/logback-tools.xml" -cp "$classes:$lib/*" \
        Compare "${point%:*}" "bench.$(table_of "$1")" "$2" "$(null_of "$1")" >"$work/out.log"
}

# Columns of the lines: kind, loader, run, wall, client CPU, server CPU, memory, exit code, then of the table: rows in the file, in it,
# right, wrong, strange, missing.
peers() {
    local kind loader run rows kinds loaders file=$work/peers.tsv notes=$work/peers.notes
    read -r -a kinds <<<"${DATASETS:-sensors sorted kv wide flights}"
    read -r -a loaders <<<"${LOADERS:-ringload dsbulk cqlsh python}"
    rows=${ROWS:-1000000}
    [[ $rows =~ ^[0-9]+$ && $rows -ge 1000 ]] || fail "ROWS takes a number from 1000 on, not '$rows'"
    mkdir -p "$work"
    need_java
    for loader in "${loaders[@]}"; do need_loader "$loader"; done
    need_node
    printf '' >"$file"
    printf '' >"$notes"
    for kind in "${kinds[@]}"; do
        need_table "$kind"
        need_data "$kind" "$(($(rows_of "$kind" "$rows") / 10))" 2
        say "$kind: warming up node and loaders with a tenth of the rows"
        for loader in "${loaders[@]}"; do run_loader "$loader" "$kind" "$data"; done
        need_data "$kind" "$(rows_of "$kind" "$rows")"
        for ((run = 1; run <= runs; run++)); do
            for loader in "${loaders[@]}"; do
                cql "TRUNCATE bench.$(table_of "$kind")"
                settle
                run_loader "$loader" "$kind" "$data"
                compare "$kind" "$data"
                printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$kind" "$loader" "$run" "$wall" "$client_cpu" "$server_cpu" \
                    "$peak" "$code" "$(told in_file)" "$(told rows)" "$(told right)" "$(told wrong)" "$(told strange)" "$(told missing)" \
                    | tee -a "$file" >&2
                if [[ $run -eq 1 ]]; then
                    sed -n "s/^# /$kind\t$loader\t/p" "$work/out.log" | head -n 2 >>"$notes"
                fi
            done
        done
        cql "TRUNCATE bench.$(table_of "$kind")"
    done
    for kind in "${kinds[@]}"; do
        need_data "$kind" "$(rows_of "$kind" "$rows")"
        peers_table "$kind" "$file" "$notes" "${loaders[@]}" | record "$(grouped "$(values "$file" 9 "$kind" | head -n 1)") rows: $kind"
    done
}

# shellcheck disable=SC2016 # backquotes are Markdown
# peers_table KIND FILE NOTES LOADER...: Markdown from the lines of peers().
peers_table() {
    local kind=$1 file=$2 notes=$3 loader rows walls speed right first=$4
    local -A speeds=() client=() server=()
    shift 3
    rows=$(values "$file" 9 "$kind" | head -n 1)
    printf '\n`scripts/bench %s`: one warm Cassandra 5.0.6 node with a heap of 2 GiB on the same machine, %s MB of CSV; medians of %s runs in turns, the table emptied before each. ' \
        "$mode" "$(($(stat -c %s "$data") / 1000000))" "$runs"
    printf 'Client CPU: user and system time of all its processes; server CPU: of the node while the load ran; memory: the largest sum of resident sizes.\n\n'
    printf '| loader | rows/s | wall s (min to max) | client CPU s | server CPU s | memory MiB | in the table afterwards | correct |\n'
    printf '| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |\n'
    for loader in "$@"; do
        mapfile -t walls < <(values "$file" 4 "$kind" "$loader" | sort -g)
        speed=$(calculate "$rows / $(median "${walls[@]}")" %.0f)
        speeds[$loader]=$speed
        client[$loader]=$(median_of "$file" 5 "$kind" "$loader")
        server[$loader]=$(median_of "$file" 6 "$kind" "$loader")
        right=yes
        if values "$file" 11 "$kind" "$loader" | grep -qvx "$rows" || values "$file" 10 "$kind" "$loader" | grep -qvx "$rows"; then right='**no**'; fi
        printf '| %s | %s | %.1f (%.1f to %.1f) | %.1f | %.1f | %.0f | %s | %s |\n' "$(name_of "$loader")" "$(grouped "$speed")" \
            "$(median "${walls[@]}")" "${walls[0]}" "${walls[-1]}" "${client[$loader]}" "${server[$loader]}" \
            "$(median_of "$file" 7 "$kind" "$loader")" "$(contents "$file" "$kind" "$loader")" "$right"
    done
    printf '\n'
    for loader in "${@:2}"; do
        printf -- '- %s against %s: %s times the rows/s, %s times the client CPU, %s times the server CPU.\n' "$first" "$(name_of "$loader")" \
            "$(calculate "${speeds[$first]} / ${speeds[$loader]}")" "$(calculate "${client[$first]} / ${client[$loader]}" %.3f)" \
            "$(calculate "${server[$first]} / ${server[$loader]}")"
    done
    while IFS=$'\t' read -r _ loader right; do
        printf -- '- %s, %s\n' "$(name_of "$loader")" "$right"
    done < <(grep "^$kind"$'\t' "$notes" || true)
}

# contents FILE KIND LOADER: what was found in the table, once for each different finding.
contents() {
    awk -F '\t' -v kind="$2" -v loader="$3" '
        $1 == kind && $2 == loader {
            text = $10 " rows"
            if ($11 == $9 && $10 == $9) text = "all " $9 " rows"
            else {
                text = text ": " $11 " right"
                if ($12 > 0) text = text ", " $12 " with wrong cells"
                if ($13 > 0) text = text ", " $13 " not in the file"
                if ($14 > 0) text = text "; " $14 " missing"
            }
            if ($8 != 0) text = text " (exit code " $8 ")"
            if (!seen[text]++) all = all (all == "" ? "" : " / ") text
        }
        END { printf "%s", all }' "$1"
}

# load [ROWS]: the short form.
load() { ROWS=${1:-${ROWS:-1000000}} DATASETS=${DATASETS:-sensors} LOADERS=${LOADERS:-ringload dsbulk} peers; }

# ceiling [ROWS]: how much of what the node takes from a loop that only sends ringload gets there.
ceiling() { ROWS=${1:-${ROWS:-1000000}} DATASETS=${DATASETS:-sensors sorted kv} LOADERS='ringload ceiling' peers; }
