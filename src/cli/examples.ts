/** The end of each command's help: examples that work as written, and facts that a caller has to know. */
export const EXAMPLES = {
  general: `
Examples:
  $ SIGMIC_API_KEY=sigmic_... taskmirror sync     make or update ./taskmirror.db
  $ taskmirror query "select status, count(*) from tasks group by status"
  $ taskmirror demo                               try it without a key`,

  sync: `
Examples:
  $ taskmirror sync
  $ taskmirror sync --db /var/lib/taskmirror/tasks.db
  $ taskmirror sync --full --dry-run
  $ taskmirror sync --json | jq '.sources[].completeThrough'

Exit code: 0 done, 3 done but partly unproven, 4 key refused, 5 API failed,
11 another sync is running; all of them are in docs/exit-codes.md.`,

  daemon: `
Examples:
  $ taskmirror daemon
  $ TASKMIRROR_SCHEDULE='*/30 * * * * *' taskmirror daemon    every 30 seconds

SIGTERM or SIGINT stops it within 5 seconds, with exit code 0.`,

  status: `
Examples:
  $ taskmirror status
  $ taskmirror status --json | jq '.sources[0].completeThrough'
  $ taskmirror status --max-age 15m >/dev/null || page-somebody

--max-age is for monitoring: stderr has a line for each source that is too old.`,

  query: `
Examples:
  $ taskmirror query "select id, message from tasks where status = 'failed'"
  $ taskmirror query --format csv "select * from tasks" > tasks.csv
  $ taskmirror query --json "select * from mirror_status"
  $ taskmirror query --param user=ann "select * from tasks where username=:user"
  $ taskmirror query --timeout 30s --max-rows 100 --file slow.sql
  $ taskmirror query @slow --param days=7     run ./queries/slow.sql
  $ taskmirror query < slow.sql

A value like 42 or 0.5 is a number; anything else is text, also '42' in quotes.
Only one read-only statement is accepted; anything else ends with exit code 2.`,

  export: `
Examples:
  $ taskmirror export --output tasks.parquet
  $ taskmirror export --since 1d --format jsonl | ./load
  $ taskmirror export task_changes --output changes.csv
  $ taskmirror export --output errors.csv --query "select id, error from tasks"

Removed tasks are exported too: their removed_at is set.`,

  snapshot: `
Examples:
  $ taskmirror snapshot copy.db
  $ taskmirror snapshot /srv/new.db && mv /srv/new.db /srv/tasks.db

The copy needs no other file beside it, and can be in a read-only folder.`,

  copy: `
Examples:
  $ taskmirror copy --from taskmirror.db --to postgres://me@db.example/tasks
  $ taskmirror copy --from postgres://me@db.example/tasks --to taskmirror.db

Run it again after an interruption: it goes on. Exit code: 0, or 3 where the
target cannot hold some tasks, 6 where it holds other rows than it was given.`,

  verify: `
Examples:
  $ taskmirror verify
  $ taskmirror verify --quick
  $ taskmirror verify --json | jq '.sources[].different'

Exit code: 0, or 6 if something is wrong.`,

  source: `
Examples:
  $ taskmirror source list
  $ taskmirror source rename default team
  $ taskmirror source move team https://tasks.example.com
  $ taskmirror source forget old --yes

They write to the mirror only, never to the settings. While a run holds the
source, they end with exit code 11.`,

  doctor: `
Examples:
  $ taskmirror doctor
  $ taskmirror doctor --hooks                      send each hook a test event
  $ taskmirror doctor --json

Exit code: 0, or 6 if a check failed.`,

  hooks: `
Examples:
  $ taskmirror hooks                               each hook, and where it is
  $ taskmirror hooks test alerts
  $ taskmirror hooks replay alerts --since 1200
  $ taskmirror hooks list --json | jq '.hooks[].lag'

The settings say which hooks there are. Exit code of test: 0, or 6 if the event
was not delivered.`,

  demo: `
Examples:
  $ taskmirror demo
  $ taskmirror demo --tasks 100000 --keep demo.db
  $ taskmirror demo --db postgres://me@localhost/tasks
  $ taskmirror demo --db postgres://me@localhost/tasks --keep demo

With --db the mirror is in a new schema, which is dropped at the end; --keep
names one that stays. No settings are used, apart from the password.`,

  completion: `
Examples:
  $ source <(taskmirror completion bash)             in ~/.bashrc
  $ source <(taskmirror completion zsh)              in ~/.zshrc, after compinit
  $ taskmirror completion fish > ~/.config/fish/completions/taskmirror.fish`,

  config: `
Examples:
  $ taskmirror config check
  $ taskmirror config show
  $ taskmirror config schema > config.schema.json`,

  search: `
Examples:
  $ taskmirror search connection refused
  $ taskmirror search --status failed --since 7d ECONNRESET
  $ taskmirror search --raw 'error: time* NOT (disk OR quota)'
  $ taskmirror search --json invoice | jq -r '.[].id'

Case and accents do not matter. Words have no special syntax, except with --raw.`,

  history: `
Examples:
  $ taskmirror history 0b2d3e4f
  $ taskmirror history --json 0b2d3e4f | jq '.events'`,

  changes: `
Examples:
  $ taskmirror changes --limit 10
  $ taskmirror changes --since 4711 | ./load       go on after the last seq
  $ taskmirror changes --follow --status failed
  $ taskmirror changes --follow --format table

Each line has a task as it is now, and what changed since. SIGINT ends it with
exit code 130.`,

  report: `
Examples:
  $ taskmirror report                              list the reports
  $ taskmirror report overview --since 7d
  $ taskmirror report daily --since 2026-01-01 --timezone Europe/Berlin
  $ taskmirror report users --format csv > users.csv
  $ taskmirror report errors --since 30d --format markdown`,
};
