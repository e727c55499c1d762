# What the trials in a clean Debian share. Each line that is printed begins with "ok" or "FAIL".
failures=0

ok() { echo "ok   $1"; }
fail() { echo "FAIL $1"; failures=$((failures + 1)); }

# expect WHAT CODE PATTERN COMMAND...: the exit code and a pattern in what is said.
expect() {
    what=$1 code=$2 pattern=$3
    shift 3
    said=$("$@" 2>&1 </dev/null)
    was=$?
    if [ $was = "$code" ] && printf '%s\n' "$said" | grep -qE "$pattern"; then
        ok "$what: $(printf '%s\n' "$said" | grep -E "$pattern" | head -n 1 | cut -c1-110)"
    else
        fail "$what (exit $was)"
        printf '%s\n' "$said" | head -n 40
    fi
}

# until_true SECONDS COMMAND...
until_true() {
    left=$1
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 1
    done
}

# say_mail FILE: one message to port 25 of this host; the reply that decided over it is printed.
say_mail() {
    bash -c '
        exec 3<>/dev/tcp/127.0.0.1/25 || exit 1
        answer() {
            line=
            while read -r -t 30 line <&3; do [ "${line:3:1}" = "-" ] || break; done
            case $line in [23]*) ;; *) echo "$line"; exit 0 ;; esac
        }
        say() { printf "%s\r\n" "$1" >&3; answer; }
        answer
        say "EHLO client.example.net"
        say "MAIL FROM:<a@example.net>"
        say "RCPT TO:<b@example.org>"
        say DATA
        cat "$0" >&3
        say .
        echo "$line"
        say QUIT' "$1"
}

# A mail server for gw to stand in front of, a gateway of its own: nothing else is on this host.
start_next_hop() {
    setsid gw quickstart --data /srv/next </dev/null >/srv/next.log 2>&1 &
    until_true 30 grep -q 'goes in at' /srv/next.log || { cat /srv/next.log; return 1; }
}

make_mail() {
    printf 'From: <a@example.net>\r\nTo: <b@example.org>\r\nSubject: clean\r\n\r\nhello\r\n' >/srv/clean.eml
    # The test file of all scanners, in pieces: this script is not to be taken for it.
    printf 'Subject: test\r\n\r\nX5O!P%%@AP[4\\PZX54(P^)7CC)7}$EICAR-%s!$H+H*\r\n' \
        STANDARD-ANTIVIRUS-TEST-FILE >/srv/infected.eml
}

mail_passes() {
    before=$(find /srv/next/delivered -name '*.eml' | wc -l)
    expect "a clean mail is taken" 0 '^250' say_mail /srv/clean.eml
    if until_true 20 more_than "$before"; then ok "and arrives"; else fail "it does not arrive"; fi
}

more_than() { [ "$(find /srv/next/delivered -name '*.eml' | wc -l)" -gt "$1" ]; }

end() {
    [ $failures = 0 ] && echo "END all as it should be" || echo "END $failures failed"
}
