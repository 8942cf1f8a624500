# shellcheck shell=bash
# Sourced by the other scripts: finds what they need and installs what is missing on a Debian machine.
# Talks to apt, rustup and Maven Central only; never changes anything that is already there.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
export root

say() { printf '%s\n' "$*" >&2; }
fail() { say "${0##*/}: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# as_root COMMAND...: as it is, or through sudo, or with a message that says what to do by hand.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        fail "this needs root: $* (install sudo, or run that command as root, and start again)"
    fi
}

# retry COMMAND...: at most three times; for the network.
retry() {
    local attempt
    for attempt in 1 2 3; do
        "$@" && return 0
        [[ $attempt -eq 3 ]] || { say "attempt $attempt of 3 failed; again in $((attempt * 5)) s"; sleep $((attempt * 5)); }
    done
    return 1
}

# apt_install PACKAGE...
apt_install() (
    have apt-get || fail "please install: $* (no apt-get here to do it)"
    # Several scripts may want to install at once; apt itself does not wait.
    if have flock; then
        mkdir -p "$root/target"
        exec 8>"$root/target/apt.lock"
        flock -w 600 8 || fail "another installation holds target/apt.lock for 10 minutes"
    fi
    say "installing: $*"
    local env=(env DEBIAN_FRONTEND=noninteractive) wait=(-o DPkg::Lock::Timeout=300)
    retry as_root "${env[@]}" apt-get update -qq >/dev/null || fail "apt-get update failed: is there a network?"
    retry as_root "${env[@]}" apt-get install -y -qq --no-install-recommends "${wait[@]}" "$@" >/dev/null \
        || fail "apt-get could not install: $*"
)

# need COMMAND PACKAGE: installs the package unless the command is there.
need() { have "$1" || apt_install "$2"; }

# java_version JAVA: its major version, or nothing.
java_version() {
    "$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1
}

# find_java: prints the path of a Java 17; fails if there is none.
find_java() {
    local java
    for java in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        [[ -x $java && $(java_version "$java") == 17 ]] && { printf '%s\n' "$java"; return 0; }
    done
    return 1
}

# need_java: sets $java.
java=''
need_java() {
    java=$(find_java) && return 0
    apt_install openjdk-17-jre-headless
    java=$(find_java) || fail "no Java 17 found: install one (Cassandra 5.0 does not start on newer ones) and set JAVA_HOME"
}

# fetch_jars POM DIRECTORY: the dependencies of POM into DIRECTORY, once and whole or not at all.
fetch_jars() {
    local pom=$1 dir=$2
    # The POM's copy inside says for which versions the jars are.
    cmp -s "$pom" "$dir/pom.xml" && return 0
    mkdir -p "${dir%/*}"
    (
        exec 8>"$dir.lock"
        flock -w 900 8 || fail "another installation holds $dir.lock for 15 minutes"
        cmp -s "$pom" "$dir/pom.xml" && exit 0
        need_java
        need mvn maven
        say "fetching the jars of ${pom#"$root"/} from Maven Central"
        rm -rf "$dir.new"
        retry env JAVA_HOME="${java%/bin/java}" mvn -q -B -C -Dstyle.color=never -f "$pom" \
            org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$dir.new" >&2 8>&- \
            || fail "Maven could not fetch the jars: is there a network?"
        cp "$pom" "$dir.new/pom.xml"
        rm -rf "$dir"
        mv "$dir.new" "$dir"
    )
}

# need_rust: cargo, through rustup where there is none, and a C compiler for the crates that bring C.
need_rust() {
    if ! have cargo && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
        PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    fi
    if ! have cargo; then
        need curl curl
        [[ -e /etc/ssl/certs/ca-certificates.crt ]] || apt_install ca-certificates
        say "installing Rust through rustup"
        retry install_rustup || fail "rustup could not install Rust: is there a network?"
        PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    fi
    # Link and compile: gcc with the C library's headers.
    if ! have cc || [[ ! -e /usr/include/stdio.h ]]; then apt_install gcc libc6-dev; fi
}

# need_component COMMAND COMPONENT: with rustup the command exists even where the component is missing; running it tells.
need_component() {
    "$1" --version >/dev/null 2>&1 && return 0
    have rustup || fail "$2 is missing and there is no rustup to install it: install $2"
    retry rustup component add "$2" >&2 || fail "rustup could not install $2"
}

# install_rustup: rustup's own installer from Rust's distribution server, checked against the digest beside it.
install_rustup() (
    url=https://static.rust-lang.org/rustup/dist/$(uname -m)-unknown-linux-gnu/rustup-init
    dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT && cd "$dir" || exit 1
    curl --proto '=https' --tlsv1.2 -sSf -O "$url" -O "$url.sha256" \
        && printf '%s  rustup-init\n' "$(cut -d ' ' -f 1 rustup-init.sha256)" | sha256sum --check --status \
        && chmod +x rustup-init \
        && ./rustup-init -y -q --profile minimal --no-modify-path >&2
)
