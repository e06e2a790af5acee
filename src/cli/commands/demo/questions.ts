import type { DemoPlace } from './place.ts';

/** A question that the demo asks, and its SQL on each engine. */
interface Question {
  text: string;
  sql: Readonly<Record<DemoPlace['engine'], string>>;
}

export const QUESTIONS: readonly Question[] = [
  {
    text: 'How many tasks succeed, and how long do they take?',
    sql: {
      sqlite: `select status, count(*) as tasks,
       round(median(queue_ms) / 1000.0, 1) as median_queue_s,
       round(median(run_ms) / 1000.0, 1) as median_run_s
     from tasks where removed_at is null
     group by status order by tasks desc`,
      postgres: `select status, count(*) as tasks,
       round((percentile_cont(0.5) within group (order by queue_ms) / 1000)::numeric, 1) as median_queue_s,
       round((percentile_cont(0.5) within group (order by run_ms) / 1000)::numeric, 1) as median_run_s
     from tasks where removed_at is null
     group by status order by tasks desc`,
    },
  },
  {
    text: 'Who has the most failures in the last 30 days?',
    sql: {
      sqlite: `select username, count(*) as tasks, sum(status = 'failed') as failed,
       round(100.0 * sum(status = 'failed') / count(*), 1) as percent
     from tasks
     where created_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')
     group by username order by percent desc limit 5`,
      postgres: `select username, count(*) as tasks, count(*) filter (where status = 'failed') as failed,
       round(100.0 * count(*) filter (where status = 'failed') / count(*), 1) as percent
     from tasks
     where created_at > now() - interval '30 days'
     group by username order by percent desc limit 5`,
    },
  },
];
