# shellcheck shell=bash
# Sourced by scripts/bench: time, CPU and memory of a command and of the node beside it, and numbers made of them.
# Expects $work, $cassandra and $patience; changes nothing on the node.

ticks=$(getconf CLK_TCK)
page_kib=$(($(getconf PAGESIZE) / 1024))

# cpu_seconds PID: user and system time of the process so far.
cpu_seconds() {
    local fields
    fields=$(sed 's/.*) //' "/proc/$1/stat")
    # shellcheck disable=SC2086 # words; 14 and 15 in proc(5), which counts the two that were cut off
    set -- $fields
    awk -v ticks="$ticks" -v used="$((${12} + ${13}))" 'BEGIN { printf "%.2f", used / ticks }'
}

# add_resident PID: adds the resident sizes of the process and its descendants to $sum, in KiB. No forks: it runs five times
# a second beside what is measured. A process that ends meanwhile counts nothing.
add_resident() {
    local resident='' list children child
    read -r _ resident _ 2>/dev/null <"/proc/$1/statm" || return 0
    sum=$((sum + resident * page_kib))
    for list in "/proc/$1/task"/*/children; do
        children=()
        # The file has no line end, hence the exit code 1.
        read -r -a children 2>/dev/null <"$list" || true
        for child in "${children[@]}"; do add_resident "$child"; done
    done
}

# watch_memory PID: writes the largest sum of resident sizes of the process's descendants to $work/peak, in KiB, until it
# ends. Pages that processes share count once for each.
watch_memory() {
    local peak=0 sum list children child
    while [[ -d /proc/$1 ]]; do
        sum=0
        for list in "/proc/$1/task"/*/children; do
            children=()
            read -r -a children <"$list" || true
            for child in "${children[@]}"; do add_resident "$child"; done
        done
        if [[ $sum -gt $peak ]]; then
            peak=$sum
            printf '%s\n' "$peak" >"$work/peak"
        fi
        sleep 0.2
    done
} 2>/dev/null

# attempt COMMAND...: runs it, for $patience seconds at most; sets code, wall (s), client_cpu (s, with all descendants that were
# waited for), peak (MiB) and server_cpu (s, of the node; 0 if there is none).
attempt() {
    local node='' pid begin=0 times
    code=0
    if [[ ${without_node:-no} == no ]]; then
        node=$("${cassandra[@]}" pid --name bench)
        begin=$(cpu_seconds "$node")
    fi
    printf '0\n' >"$work/peak"
    (
        TIMEFORMAT='%3R %3U %3S'
        time timeout --kill-after=10 "$patience" "$@" >"$work/out.log" 2>"$work/err.log" </dev/null
    ) 2>"$work/times" &
    pid=$!
    watch_memory "$pid"
    wait "$pid" || code=$?
    server_cpu=0
    if [[ -n $node ]]; then server_cpu=$(calculate "$(cpu_seconds "$node") - $begin"); fi
    read -r -a times <"$work/times"
    wall=${times[0]}
    client_cpu=$(calculate "${times[1]} + ${times[2]}")
    peak=$(($(<"$work/peak") / 1024))
    [[ $code -eq 0 ]] || tail -n 20 "$work/out.log" "$work/err.log" >&2
}

# measure COMMAND...: the same, and fails as the command does.
measure() {
    attempt "$@"
    [[ $code -eq 0 ]] || fail "exit code $code of: $*"
}

# calculate EXPRESSION [FORMAT]
calculate() { awk "BEGIN { printf \"${2:-%.2f}\", $1 }"; }

# median NUMBER...
median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# settle: until the node does next to nothing (flushes, compactions, JIT), for a minute at most.
settle() {
    local node before after step
    node=$("${cassandra[@]}" pid --name bench)
    before=$(cpu_seconds "$node")
    for ((step = 0; step < 30; step++)); do
        sleep 2
        after=$(cpu_seconds "$node")
        if awk "BEGIN { exit !($after - $before < 0.2) }"; then return 0; fi
        before=$after
    done
    say "the node is still busy after a minute; measuring all the same"
}

# machine: what the figures hang on, without a name.
machine() {
    local memory system
    memory=$(awk '/^MemTotal:/ { printf "%d", ($2 + 1048575) / 1048576 }' /proc/meminfo)
    system=$(. /etc/os-release && printf '%s %s' "${NAME%% *}" "${VERSION_ID:-}")
    printf '%s cores, %s GiB, %s' "$(nproc)" "$memory" "${system% }"
}

# record TITLE: appends standard input to today's results as a section, with what the machine did otherwise, and shows it.
record() {
    local file=${RESULTS:-} commit
    if [[ -z $file ]]; then
        mkdir -p benches/results
        file=benches/results/$(date +%F)-$(machine | tr -d , | tr 'A-Z ' 'a-z-').md
    fi
    [[ -f $file ]] || printf '# %s, %s\n' "$(date +%F)" "$(machine)" >"$file"
    commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
    {
        printf '\n## %s\n' "$1"
        cat
        printf '\nringload %s, %s. Load average of the machine before: %s%s.\n' "$commit" "$(date '+%F %H:%M')" "$load_before" \
            "$(awk -v load="$load_before" -v cores="$(nproc)" 'BEGIN { if (load > cores / 2) printf " (**a busy machine: compare ratios at most**)" }')"
    } | tee -a "$file"
    say "written to $file"
}

# What the machine did before any of this.
read -r load_before _ </proc/loadavg

# Lines of results: fields with tabs between them, the first of which say what was measured.

# values FILE COLUMN KEY...: that column of the lines that begin with these fields.
values() {
    local file=$1 column=$2 key
    shift 2
    key=$(printf '%s\t' "$@")
    awk -F '\t' -v key="$key" -v column="$column" 'index($0, key) == 1 { print $column }' "$file"
}

# median_of FILE COLUMN KEY...
median_of() {
    local found
    mapfile -t found < <(values "$@")
    median "${found[@]}"
}

# grouped NUMBER: with commas between thousands.
grouped() { printf '%s' "$1" | sed -e :a -e 's/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/;ta'; }
