#!/bin/sh
# The Debian package: put in, used, put in again, taken out, by dpkg.
. /trial/common.sh
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

rm -f /usr/local/bin/gw
ip link set lo up 2>/dev/null
make_mail
expect "dpkg -i" 0 'Setting up gw' dpkg -i /trial/gw.deb
expect "the user is there" 0 '^gw:' getent passwd gw
expect "gw runs" 0 '^gw [0-9]' gw --version
expect "nothing is changed in what came" 0 '^$' sh -c 'dpkg --verify gw; echo'
start_next_hop || fail "the next hop did not start"
expect "gw quickstart" 0 'for gw' gw quickstart --domain example.org --next-hop 127.0.0.1:2525
expect "gw service install" 0 'start it with' gw service install --kind sysv
expect "start" 0 'takes mail' /etc/init.d/gw start
mail_passes
expect "dpkg -i once more, while it runs" 0 'Setting up gw' dpkg -i /trial/gw.deb
mail_passes
expect "the configuration is as it was" 0 'example.org' cat /etc/gw/gw.toml
expect "stop" 0 'has stopped' /etc/init.d/gw stop
expect "gw service remove" 0 'remove' gw service remove --kind sysv
expect "dpkg -r" 0 'Removing gw' dpkg -r gw
expect "the program is gone" 1 'no' sh -c '[ -e /usr/bin/gw ] || { echo no; exit 1; }'
expect "mail and configuration are not" 0 'gw.toml' ls /etc/gw /var/lib/gw
expect "dpkg -P" 0 . dpkg -P gw
end
