package format

import "github.com/seed56735111/penstock/format/internal/multiline"

// mysqlError is "The Error Log" in the documentation of MySQL.
func mysqlError() schema {
	return schema{
		name: "mysql-error", told: "a time, a thread and a level in brackets such as [Note]",
		about:   "error logs of MySQL and MariaDB",
		grammar: multiline.MySQLError(),
	}
}

// mysqlSlow is "The Slow Query Log" in the documentation of MySQL, of MariaDB and of Percona Server.
func mysqlSlow() schema {
	return schema{
		name: "mysql-slow", told: "a line # Time: or # User@Host:",
		about:   "slow query logs of MySQL, MariaDB and Percona Server",
		grammar: multiline.MySQLSlow(),
	}
}

// mysqlGeneral is "The General Query Log" in the documentation of MySQL.
func mysqlGeneral() schema {
	return schema{
		name: "mysql-general", told: "a time, a thread and a command such as Query",
		about:   "general query logs of MySQL and MariaDB",
		grammar: multiline.MySQLGeneral(),
	}
}

// mysqlAudit is "MariaDB Audit Plugin - Log Format" in the documentation of MariaDB, and the audit log of Aurora MySQL.
func mysqlAudit() schema {
	return schema{
		name: "mysql-audit", told: "a time, five values and an operation such as QUERY, with commas between them",
		about: "audit logs of MariaDB, RDS and Aurora MySQL", grammar: multiline.MySQLAudit(),
	}
}
