import type { Random } from './random.ts';
import { fill } from './words.ts';

/** The kind of work that a member of the team asks agents for. */
export type Trade = 'code' | 'research' | 'data' | 'ops' | 'support' | 'script';

/** Writes the message of a new task: mostly a sentence or two, sometimes many lines, rarely 2 to 4 KB. */
export function writeMessage(trade: Trade, random: Random): string {
  const message = fill(random.pick(MESSAGES[trade]), random);
  if (!random.chance(0.015)) return message;
  const lines = Array.from({ length: random.int(28, 42) }, () => random.pick(EVIDENCE));
  return [message, '', 'What I have so far:', '', fill(lines.join('\n'), random)].join('\n');
}

/** Writes the agent's answer to a message, as it appears in the history. */
export function writeReply(random: Random): string {
  return fill(random.pick(REPLIES), random);
}

/** Writes why a task failed: as varied as the systems that agents run into. */
export function writeFailure(random: Random): string {
  return fill(random.pick(FAILURES), random);
}

const MESSAGES: Readonly<Record<Trade, readonly string[]>> = {
  code: [
    'Review PR #{big} in {repo}: does {symbol} still hold when the list is empty?',
    'The test for {symbol} in {file} fails about {n} times in a hundred. Find out why and fix it.',
    'Upgrade {library} to {version} in {repo} and fix what breaks.',
    'Why does {file} allocate {n} MB for each request? Profile it and propose a patch.',
    'Add a --dry-run flag to the import command in {repo}. Keep the output format.',
    'Rename {symbol} everywhere in {repo}, docs too; open a PR that references {ticket}.',
    'Please fix {ticket}:\n\n1. open {file}\n2. call {symbol} with a total of {money}\n3. see the amount rounded twice\n\nA regression test first, please.',
    'Bisect {repo} between {hash} and {hash}: checkout got {pct} % slower.',
    'Write the migration that adds an index on {table}(customer_id), without locking the table.',
    'Explain what {file} does, for somebody who joins the team on Monday.',
  ],
  research: [
    'Compare the {n} most used tools for {topic}. Cite every claim.',
    'What changed in {topic} since {month}? One page, with sources.',
    'Who are the competitors of {company} in {city}, and what do they charge?',
    'Summarise the attached interview with {person} in five bullet points.',
    'Find papers on {topic} with a public data set; table with year, size, licence.',
    'Is the claim "{pct} % of teams use {library}" true? Trace it to its origin.',
    'Prepare questions for the call with {person} ({company}) about {topic}.',
  ],
  data: [
    'How many rows of {table} have no customer? Break it down by month.',
    'Load the {month} export of {company} into {table}; report the rows you had to skip.',
    'Revenue by region for {month}, as CSV. Refunds are in {table}.',
    'The dashboard says {big}, the query says {big}. Which one is right?',
    "Check this query before I run it on production:\n\n```sql\nSELECT customer_id, sum(total)\nFROM {table}\nWHERE region = '{region}'\nGROUP BY 1\nHAVING sum(total) > {money};\n```",
    'Deduplicate {table} by e-mail; keep the newest row; write what you dropped to a file.',
    'Forecast {table} for the next {n} weeks and say how sure you are.',
  ],
  ops: [
    'Disk on {host} is {pct} % full. Find what grew since yesterday and clean up what is safe.',
    'Why did {host} restart at {clock}? Check the kernel log and the deploys around it.',
    'Rotate the certificates in {region} and list what still uses the old ones.',
    'Roll {repo} back to {version} in {region} and watch the error rate for {n} minutes.',
    'p99 of {repo} went from {ms} ms to {ms} ms at {clock}. Correlate with deploys.',
    'Draft the incident report for {ticket}. Timeline first, no blame.\n\n{clock} alert on {host}\n{clock} {person} acknowledged\n{clock} rolled back to {version}',
    'Port {port} on {host} answers from the public internet. Is that intended?',
  ],
  support: [
    'Answer {person}: the invoice of {money} EUR was charged twice ({ticket}).',
    'Translate this reply to {language}, keep the product names:\n\nDear {person},\nyour order has left our warehouse in {city}.',
    'Cluster the {n} open tickets about login problems and suggest a macro for each cluster.',
    '{person} from {company} cannot export more than {big} rows. Reproduce it, then write back.',
    'Customer writes: “die Rechnung vom {month} fehlt” 🤔. Find it and draft an answer in {language}.',
    'Is {company} still within its plan? They used {big} credits in {month}.',
    '返信の下書きをお願いします: {person} さん、注文番号 {big}',
  ],
  script: [
    'Nightly check of {table} in {region}: compare counts with yesterday, report differences above {pct} %.',
    'Classify ticket {ticket}.',
    'Extract the totals of invoice {hash} ({company}).',
    'Summarise the commits of {repo} since {hash}.',
    'Verify that the links in {repo}/README.md answer; open a ticket for dead ones.',
  ],
};

const EVIDENCE = [
  '{clock}.{n} WARN {host} {symbol} took {ms} ms (limit {ms} ms), request {id}',
  '{clock}.{n} ERROR {host} upstream answered {status}, attempt {n}, trace={hash}',
  '    at {symbol} ({file}:{n}:{n})',
  '| {month} | {company} | {money} EUR | {pct} % |',
  '- {person} said on the call that {topic} matters more than price, see {ticket}',
  '+ const total = {symbol}(rows, { round: {n} }); // was {money}',
];

const REPLIES = [
  'Done. I changed {file} and added a test for {symbol}; all {n} checks pass.',
  'I looked at {big} rows of {table}: {n} do not match. The list is attached.',
  'Short answer: no. The number goes back to a survey of {n} people in {city}.',
  'I restarted the worker on {host} and watched it for {n} minutes. The error rate is back to {pct} ‰.',
  'Here is a draft in {language}. I left the amount of {money} EUR as it was; please check it.',
  'I could not reproduce {ticket} on {version}. Which region was it?',
];

const FAILURES = [
  'Command failed with exit code {n}: npm test -- {file}',
  "ENOENT: no such file or directory, open '/workspace/{repo}/{file}'",
  'Tool {tool} timed out after {ms} ms',
  'Upstream model returned {status}: overloaded (request {id})',
  'Context length exceeded: {big} tokens, limit 200000',
  'Agent session {id} was lost: container {hash} exited with code 137 (out of memory)',
  'connect ECONNREFUSED 10.0.{n}.{n}:{port}',
  'Rate limit reached for {tool}: retry in {n} s',
  'git push to {repo} was rejected: branch is {n} commits behind',
  'relation "{table}_{n}" does not exist (SQLSTATE 42P01)',
  'Maximum number of steps ({n}) reached without a result',
  'Approval for {tool} was not given within {n} minutes',
  'Unexpected token at position {big} of the response of {tool}',
  'Workspace quota exceeded: {big} MB used in /workspace/{repo}',
];
