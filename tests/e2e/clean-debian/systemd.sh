#!/bin/sh
# gw as a service of systemd, from nothing: run by systemd itself in a system that has just booted.
. /trial/common.sh
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

make_mail
start_next_hop || fail "the next hop did not start"
expect "process 1 is systemd" 0 '^systemd$' cat /proc/1/comm
for other in node nodejs bun npm; do
    command -v $other >/dev/null && fail "$other is installed"
done
ok "neither Node nor Bun is installed"
expect "gw quickstart" 0 'wrote /etc/gw/gw.toml' \
    gw quickstart --domain example.org --next-hop 127.0.0.1:2525
expect "gw service install" 0 'start it with: systemctl start gw' gw service install
expect "systemd-analyze verify" 0 '^$' sh -c 'systemd-analyze verify gw.service; echo'
expect "systemd-analyze security" 0 'Overall exposure' \
    systemd-analyze security --no-pager gw.service
expect "gw is started with the host" 0 enabled systemctl is-enabled gw
expect "systemctl start gw" 0 '^active' sh -c 'systemctl start gw; systemctl is-active gw'
pid=$(systemctl show -P MainPID gw)
expect "it is the user gw" 0 '^gw +gw' ps -o user=,comm= -p "$pid"
expect "with one capability" 0 '^CapEff:.*0400$' grep CapEff "/proc/$pid/status"
expect "and can get no other" 0 '^NoNewPrivs:.*1$' grep NoNewPrivs "/proc/$pid/status"
expect "gw doctor --skip-dns" 0 '^ok +ports' gw doctor --skip-dns
mail_passes
expect "EICAR is refused or kept" 0 '^250|^55' say_mail /srv/infected.eml
expect "gw quarantine list" 0 'Gw.Test.EICAR' gw quarantine list
expect "systemctl reload gw" 0 '^active' sh -c 'systemctl reload gw && systemctl is-active gw'
cp /etc/gw/gw.toml /srv/good.toml
echo 'no.such = 1' >>/etc/gw/gw.toml
expect "a bad configuration is not taken" 1 'failed' systemctl reload gw
cp /srv/good.toml /etc/gw/gw.toml
mail_passes
expect "gw pause receive" 0 'paused|receive' gw pause receive
expect "mail is not taken then" 0 '^4' say_mail /srv/clean.eml
expect "gw resume receive" 0 '.' gw resume receive
mail_passes
expect "gw drain --wait" 0 'drained' gw drain --wait --timeout 60s
expect "gw resume" 0 '.' gw resume receive
cp /usr/local/bin/gw /srv/gw-other
expect "gw upgrade" 0 'serves as process' gw upgrade --binary /srv/gw-other
now=$(systemctl show -P MainPID gw)
if [ "$now" != "$pid" ]; then ok "systemd knows the new process"; else fail "MainPID is $now"; fi
pid=$now
expect "and finds it active" 0 '^active' systemctl is-active gw
mail_passes
kill -KILL "$pid"
was_restarted() {
    now=$(systemctl show -P MainPID gw)
    [ "$now" != 0 ] && [ "$now" != "$pid" ] && systemctl is-active -q gw
}
if until_true 30 was_restarted; then ok "killed, it is started again"; else fail "not restarted"; fi
mail_passes
pid=$(systemctl show -P MainPID gw)
kill -STOP "$pid"
if until_true 150 was_restarted; then ok "hung, it is ended and started again"; else fail "no watchdog"; fi
expect "systemctl stop gw" 0 '^inactive' sh -c 'systemctl stop gw; systemctl is-active gw || true'
expect "gw service remove" 0 'remove /etc/systemd/system/gw.service' gw service remove
expect "the unit is gone" 4 '.' systemctl status gw
end
