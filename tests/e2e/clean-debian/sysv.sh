#!/bin/sh
# gw as a service of SysV init, from nothing: the same Debian without a running systemd.
. /trial/common.sh
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

ip link set lo up 2>/dev/null
make_mail
start_next_hop || fail "the next hop did not start"
expect "gw quickstart" 0 'wrote /etc/gw/gw.toml' \
    gw quickstart --domain example.org --next-hop 127.0.0.1:2525
expect "gw service install" 0 'start it with: /etc/init.d/gw start' gw service install
expect "it starts with the host" 0 'S[0-9]+gw' ls /etc/rc2.d
script=/etc/init.d/gw
expect "start" 0 'takes mail, as process' $script start
expect "status" 0 'configuration' $script status
expect "it is the user gw" 0 '^gw +gw' sh -c 'ps -o user=,comm= -p $(cat /var/run/gw/gw.pid)'
expect "gw doctor --skip-dns" 0 '^ok +ports' gw doctor --skip-dns
mail_passes
expect "reload" 0 '.' $script reload
cp /etc/gw/gw.toml /srv/good.toml
echo 'no.such = 1' >>/etc/gw/gw.toml
expect "reload of a bad configuration" 2 'unknown' $script reload
cp /srv/good.toml /etc/gw/gw.toml
expect "recv-off" 0 '.' $script recv-off
expect "mail is not taken then" 0 '^4' say_mail /srv/clean.eml
expect "recv-on" 0 '.' $script recv-on
mail_passes
for verb in avir-off avir-on send-off send-on stats; do
    expect "$verb" 0 '.' $script $verb
done
expect "drain" 0 'drained' $script drain
expect "restart" 0 'takes mail' $script restart
mail_passes
expect "stop" 0 'has stopped' $script stop
expect "status of a stopped one" 3 'does not run' $script status
expect "gw service remove" 0 'remove /etc/init.d/gw' gw service remove
end
