/**
 * The kind of a field's value: the API's row is checked by it; {@link Values} gives its type in a task, a
 * column and the journal.
 */
export type Kind = 'id' | 'status' | 'text' | 'time' | 'boolean' | 'count' | 'json' | 'extra';

/** The value of each kind in a task: times are UTC text, JSON is its text. */
export interface Values {
  id: string;
  status: string;
  text: string;
  time: string;
  boolean: boolean;
  count: number;
  json: string;
  extra: string;
}

/** A field of a task. */
export interface Field {
  /** Its name in the API, in a task, and in `omitFields`. */
  name: string;
  /** Its name in `tasks`, `task_changes` and `changes`. */
  column: string;
  kind: Kind;
  /** The API may leave it out or send null. */
  optional?: true;
  /** `omitFields` may name it: neither the walk nor the views need it. */
  omittable?: true;
  /** Only the list reports it, GET of one task does not. */
  listOnly?: true;
  /** It never changes, so the journal has nothing to record. */
  fixed?: true;
}

/**
 * The fields of a task, in the order of the columns. The wire check, the table's columns and statements, the
 * journal, the comparison of `verify` and the names for `omitFields` are all made from this list.
 */
export const FIELDS = [
  { name: 'id', column: 'id', kind: 'id', fixed: true },
  { name: 'apiKeyId', column: 'api_key_id', kind: 'text', omittable: true },
  { name: 'username', column: 'username', kind: 'text', omittable: true },
  { name: 'sessionId', column: 'session_id', kind: 'text', omittable: true },
  { name: 'conversationId', column: 'conversation_id', kind: 'text', omittable: true },
  { name: 'status', column: 'status', kind: 'status' },
  { name: 'message', column: 'message', kind: 'text', omittable: true },
  { name: 'systemPrompt', column: 'system_prompt', kind: 'text', optional: true, omittable: true },
  { name: 'showInHistory', column: 'show_in_history', kind: 'boolean' },
  { name: 'autoExecute', column: 'auto_execute', kind: 'boolean' },
  { name: 'env', column: 'env', kind: 'json', optional: true, omittable: true },
  { name: 'error', column: 'error', kind: 'text', optional: true, omittable: true },
  { name: 'createdAt', column: 'created_at', kind: 'time' },
  { name: 'startedAt', column: 'started_at', kind: 'time', optional: true },
  { name: 'completedAt', column: 'completed_at', kind: 'time', optional: true },
  { name: 'lastActivityAt', column: 'last_activity_at', kind: 'time', listOnly: true },
  { name: 'messageCount', column: 'message_count', kind: 'count', listOnly: true },
  // All fields that this version does not know, as one.
  { name: 'extra', column: 'extra', kind: 'extra', optional: true, omittable: true, listOnly: true },
] as const satisfies readonly Field[];

/** One of {@link FIELDS}, with its own name, column and kind. */
export type TaskField = (typeof FIELDS)[number];

/** A field that the API sends under its own name: all but `extra`. */
export type SentField = Exclude<TaskField, { kind: 'extra' }>;

export const SENT_FIELDS: readonly SentField[] = FIELDS.filter((field) => field.kind !== 'extra');

/** The type of a field's value in a task: null if it may be missing, or may be omitted. */
export type ValueOf<F extends Field> =
  Values[F['kind']] | (F extends { optional: true } | { omittable: true } ? null : never);
