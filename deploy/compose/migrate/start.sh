# Once at each start, before anybody uses the stores. Both steps may be repeated, and run side by side.
set -eu
churn migrate --wait 120
exec python /opt/compose/accounts.py
