/** All that indexes hold. A subquery of one table costs nothing: the planner reads it as that table. */
export const TASKS = `(
  select id, username_key as username, session_key as session_id, status, error_group, created_at, queue_ms, run_ms,
    removed_at
  from tasks
) as tasks`;
