#!/bin/bash
# One database and one role for each who keeps something here; a role reaches its own database only.
# The image runs it at first start. Again, by hand, it brings changed passwords in: docs/compose.md.
set -euo pipefail

make_database() { # NAME PASSWORD_VARIABLE
  psql -q -v ON_ERROR_STOP=1 -v name="$1" -v variable="$2" -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
\getenv password :variable
SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8''', :'name', :'name')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database mlflow PASSWORD_OF_MLFLOW
make_database mlflow_auth PASSWORD_OF_MLFLOW_AUTH
make_database optuna PASSWORD_OF_OPTUNA
make_database churn PASSWORD_OF_CHURN
psql -q -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -c 'REVOKE CONNECT ON DATABASE postgres FROM PUBLIC'
