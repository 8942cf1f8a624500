# shellcheck shell=bash
# Sourced by scripts/bench: how time and memory grow with records, files, processes and threads.

# run_check KIND FILES...: everything but the inserting, of files of that kind, measured; no node is asked.
run_check() {
    local kind=$1 schema=$work/schema-$1.cql
    shift
    printf 'USE bench;\n%s\n' "$(<"fixtures/schema/$(table_of "$kind").cql")" >"$schema"
    without_node=yes measure "$ringload" load --dry-run -t "bench.$(table_of "$kind")" --schema "$schema" --restart \
        --rejects "$work/rejects" "${workers[@]}" "$@"
}

# shellcheck disable=SC2016 # backquotes are Markdown
scale() {
    local records files file counts=() wanted made lines=$work/scale.tsv run folder
    read -r -a counts <<<"${RECORDS:-1000000 10000000 100000000}"
    read -r -a wanted <<<"${FILES:-1 10 100 10000}"
    made=${FILE_RECORDS:-10000000}
    need_ringload
    mkdir -p "$work"
    printf '' >"$lines"
    for records in "${counts[@]}"; do
        need_data narrow "$records"
        for ((run = 1; run <= runs; run++)); do
            run_check narrow "$data"
            printf 'records\t%s\t%s\t%s\t%s\t%s\t%s\n' "$records" "$run" "$wall" "$client_cpu" "$peak" "$(stat -c %s "$data")" | tee -a "$lines" >&2
        done
        if [[ $records -gt 10000000 ]]; then rm "$data"; fi
    done
    need_data narrow "$made"
    folder=$work/files
    for files in "${wanted[@]}"; do
        rm -rf "$folder"
        mkdir "$folder"
        tail -n +2 "$data" | split --suffix-length=5 --numeric-suffixes --lines=$((made / files)) \
            --filter='{ printf "id,a\n"; cat; } >"$FILE"' --additional-suffix=.csv - "$folder/part-"
        for ((run = 1; run <= runs; run++)); do
            run_check narrow "$folder"
            printf 'files\t%s\t%s\t%s\t%s\t%s\t%s\n' "$files" "$run" "$wall" "$client_cpu" "$peak" "$(stat -c %s "$data")" | tee -a "$lines" >&2
        done
    done
    rm -rf "$folder"
    {
        printf '\n`scripts/bench scale`: `load --dry-run` of two numbers a record (scan, read, parse, encode, count; no database); medians of %s runs, the file in the page cache; resident sizes of all processes summed.\n\n' "$runs"
        printf '| records | MB | wall s | records/s | µs of CPU a record | memory MiB |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n'
        for records in "${counts[@]}"; do scale_line records "$records" "$records"; done
        printf '\n%s of these records in so many files:\n\n' "$(grouped "$made")"
        printf '| files | MB | wall s | records/s | µs of CPU a record | memory MiB |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n'
        for files in "${wanted[@]}"; do scale_line files "$files" "$made"; done
    } | record "Cost as work grows"
}

# scale_line WHAT KEY RECORDS: a line of the tables of scale().
scale_line() {
    local lines=$work/scale.tsv wall
    wall=$(median_of "$lines" 4 "$1" "$2")
    printf '| %s | %s | %s | %s | %s | %s |\n' "$(grouped "$2")" "$(calculate "$(values "$lines" 7 "$1" "$2" | head -n 1) / 1e6" %.0f)" "$wall" \
        "$(grouped "$(calculate "$3 / $wall" %.0f)")" "$(calculate "1e6 * $(median_of "$lines" 5 "$1" "$2") / $3" %.3f)" \
        "$(median_of "$lines" 6 "$1" "$2")"
}

# What a setting of workers and threads does, by loading, and by everything but that.
# shellcheck disable=SC2016 # backquotes are Markdown
workers() {
    local rows=${1:-2000000} kind kinds processes threads run found lines=$work/workers.tsv
    read -r -a kinds <<<"${DATASETS:-sensors kv}"
    read -r -a process_counts <<<"${PROCESSES:-0 1 2 4 8}"
    read -r -a thread_counts <<<"${THREADS:-1 2 4}"
    [[ $rows =~ ^[0-9]+$ && $rows -ge 10 ]] || fail "workers takes a number of rows from 10 on, not '$rows'"
    need_ringload
    need_node
    printf '' >"$lines"
    for kind in "${kinds[@]}"; do
        need_table "$kind"
        need_data "$kind" "$((rows / 10))" 2
        measure "$ringload" load -t "bench.$(table_of "$kind")" --hosts "$point" "$data"
        need_data "$kind" "$rows"
        for ((run = 1; run <= runs; run++)); do
            for processes in "${process_counts[@]}"; do
                for threads in "${thread_counts[@]}"; do
                    workers=(--workers "$processes" --threads "$threads")
                    run_check "$kind" "$data"
                    printf '%s, not inserted\t%s\t%s\t%s\t%s\t%s\n' "$kind" "$processes" "$threads" "$wall" "$client_cpu" "$peak" >>"$lines"
                    cql "TRUNCATE bench.$(table_of "$kind")"
                    settle
                    measure "$ringload" load -t "bench.$(table_of "$kind")" --hosts "$point" "${workers[@]}" "$data"
                    found=$("${cassandra[@]}" count --name bench "bench.$(table_of "$kind")")
                    [[ $found -eq $rows ]] || fail "$found of $rows rows are in the table"
                    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$kind" "$processes" "$threads" "$wall" "$client_cpu" "$peak" | tee -a "$lines" >&2
                done
            done
        done
        cql "TRUNCATE bench.$(table_of "$kind")"
    done
    {
        printf '\n`scripts/bench workers %s`: rows/s (client CPU s, memory MiB) of ringload by worker processes and parser threads in each; 0 workers: all in one process. Medians of %s runs in turns, the table emptied before each, all rows counted afterwards. Not inserted: `load --dry-run`.\n' \
            "$rows" "$runs"
        for kind in "${kinds[@]}"; do
            workers_table "$kind" "$rows"
            workers_table "$kind, not inserted" "$rows"
        done
        printf '\nWhat do processes buy over threads? Compare the cells of a diagonal, where as many threads parse in one process or in several.\n'
    } | record "Processes and threads"
}

# workers_table KEY ROWS
workers_table() {
    local lines=$work/workers.tsv processes threads
    printf '\n| %s: workers |' "$1"
    printf ' threads: %s |' "${thread_counts[@]}"
    printf '\n| ---: |'
    printf ' ---: |%.0s' "${thread_counts[@]}"
    printf '\n'
    for processes in "${process_counts[@]}"; do
        printf '| %s |' "$processes"
        for threads in "${thread_counts[@]}"; do
            printf ' %s (%.1f, %.0f) |' "$(grouped "$(calculate "$2 / $(median_of "$lines" 4 "$1" "$processes" "$threads")" %.0f)")" \
                "$(median_of "$lines" 5 "$1" "$processes" "$threads")" "$(median_of "$lines" 6 "$1" "$processes" "$threads")"
        done
        printf '\n'
    done
}
