#!/usr/bin/env bash
# Makes a base image with Debian's Python 3.11, for places without a container registry.
#
# Needs root, debootstrap and the docker command; takes about a minute. The packages
# come, with the security updates of the day, from the Debian mirror this machine's apt
# is set up with (DEBIAN_MIRROR names another). An image that is there is left alone.
set -euo pipefail

readonly IMAGE=ag2trust/python-base:3.11-bookworm
readonly SUITE=bookworm
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

main() {
    if docker image inspect "$IMAGE" >/dev/null 2>&1; then
        say "$IMAGE is there already"
        return
    fi
    require_tools
    scratch=$(mktemp --directory --tmpdir ag2trust-base.XXXXXXXX)
    trap 'rm --recursive --force --one-file-system "$scratch"' EXIT
    # A folder of its own: the user apt downloads as cannot pass through mktemp's.
    root=$scratch/root
    mkdir --mode=0755 "$root"
    install_debian
    apply_security_updates
    remove_what_no_program_reads
    import_image
}

say() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
}

fail() {
    say "$1"
    exit 1
}

require_tools() {
    [[ $EUID -eq 0 ]] || fail "only root can make a Debian system"
    command -v debootstrap >/dev/null || fail "install debootstrap first"
    command -v docker >/dev/null || fail "install the docker command first"
    [[ -r $KEYRING ]] || fail "install debian-archive-keyring first"
}

install_debian() {
    local mirror=${DEBIAN_MIRROR:-$(mirror_of "$SUITE")}
    say "installing Debian $SUITE from ${mirror:-the mirror that debootstrap knows}"
    # Without --force-check-gpg debootstrap goes on when it cannot check a signature.
    debootstrap --force-check-gpg --keyring="$KEYRING" --variant=minbase \
        --include=ca-certificates,python3,python3-minimal,libpython3-stdlib \
        "$SUITE" "$root" ${mirror:+"$mirror"} >&2
}

apply_security_updates() {
    local mirror
    mirror=$(mirror_of "$SUITE-security")
    if [[ -z $mirror ]]; then
        say "apt has no mirror of $SUITE-security: leaving its updates out"
        return
    fi
    say "applying security updates from $mirror"
    echo "deb $mirror $SUITE-security main" >"$root/etc/apt/sources.list.d/security.list"
    # A mirror behind a proxy, or a frozen one, needs the settings apt has out here.
    apt-config dump Acquire >"$root/etc/apt/apt.conf.d/99host"
    in_root apt-get --quiet update
    in_root apt-get --quiet --yes upgrade
    rm "$root/etc/apt/apt.conf.d/99host"
}

in_root() {
    DEBIAN_FRONTEND=noninteractive chroot "$root" "$@" >&2
}

# Prints the first address that apt is told to find suite $1 at; nothing if there is none.
mirror_of() {
    { deb822_sources; one_line_sources; } |
        awk -v suite="$1" '$1 == "deb" && $3 == suite && !found++ { print $2 }'
}

# Both print lines of `deb ADDRESS SUITE` for the two forms that sources.list(5) knows.
deb822_sources() {
    find /etc/apt -maxdepth 2 -name '*.sources' -exec awk -v RS= '
        {
            split("", field)
            lines = split($0, line, "\n")
            for (i = 1; i <= lines; i++)
                if (match(line[i], /^[A-Za-z-]+:/))
                    field[substr(line[i], 1, RLENGTH - 1)] = substr(line[i], RLENGTH + 1)
            if (field["Enabled"] ~ /no/ || field["Types"] !~ /deb( |$)/) next
            split(field["URIs"], address, " ")
            suites = split(field["Suites"], suite, " ")
            for (i = 1; i <= suites; i++) print "deb", address[1], suite[i]
        }
    ' {} +
}

one_line_sources() {
    find /etc/apt -maxdepth 2 -name '*.list' -exec sed 's/\[[^]]*\]//' {} +
}

remove_what_no_program_reads() {
    say "removing caches and documentation"
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    find "$root/usr/share/doc" -type l -delete
    rm -r "$root"/usr/share/{info,locale,man}
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*
    rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
}

import_image() {
    say "importing $IMAGE"
    tar --create --numeric-owner --one-file-system --directory="$root" . |
        docker import \
            --change 'ENV LANG=C.UTF-8' \
            --change 'CMD ["python3"]' \
            - "$IMAGE" >&2
    say "made $IMAGE"
}

main
