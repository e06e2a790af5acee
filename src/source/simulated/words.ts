import type { Random } from './random.ts';

/** Fills a text's `{slots}` with random names and numbers. An unknown slot stays as it is. */
export function fill(text: string, random: Random): string {
  return text.replace(/\{(\w+)\}/g, (slot, name: string) => SLOTS[name]?.(random) ?? slot);
}

const of =
  (...words: string[]) =>
  (random: Random): string =>
    random.pick(words);

const between =
  (min: number, max: number) =>
  (random: Random): string =>
    String(random.int(min, max));

const SLOTS: Readonly<Record<string, (random: Random) => string>> = {
  repo: of('billing-api', 'web-shop', 'ledger', 'mobile-app', 'infra', 'search-service', 'docs', 'data-lake'),
  file: of(
    'src/invoice/total.ts',
    'internal/queue/worker.go',
    'app/models/order.rb',
    'deploy/values.yaml',
    'lib/parser.py',
    'src/cart/Checkout.tsx',
    'sql/report_monthly.sql',
  ),
  symbol: of('applyDiscount', 'retryLater', 'parseRow', 'OrderStore.load', 'roundToCents', 'leaseRenew'),
  table: of('orders', 'customers', 'page_views', 'refunds', 'shipments', 'sessions', 'stock_levels'),
  host: of('web-03', 'db-primary', 'queue-1', 'edge-fra-2', 'build-07', 'cache-a'),
  region: of('eu-central-1', 'us-east-1', 'ap-southeast-2', 'sa-east-1'),
  company: of(
    'Kowalski & Söhne',
    'Árbol Verde',
    'Nordlys AS',
    '株式会社さくら',
    'Lumière SARL',
    'Acme Tools',
    'Δέλτα ΕΠΕ',
    'Brightwater Ltd',
  ),
  person: of(
    'Zoë Müller',
    'José Núñez',
    'Łukasz Wójcik',
    'Nguyễn Thị Hà',
    '田中 健二',
    'Ольга Иванова',
    'Priya Raman',
    'Siobhán O’Neill',
    'محمد علي',
    'Emma Brown',
  ),
  city: of('Zürich', 'São Paulo', 'Kraków', 'Montréal', 'Reykjavík', 'Osaka', 'Cape Town'),
  library: of('postgres', 'openssl', 'react', 'kafka-client', 'pandas', 'terraform', 'grpc'),
  language: of('German', 'Japanese', 'French', 'Portuguese', 'Polish', 'English'),
  topic: of(
    'vector databases',
    'usage-based pricing',
    'offline-first sync',
    'EU e-invoicing rules',
    'battery recycling',
    'passkeys',
    'heat pump subsidies',
  ),
  tool: of('run_command', 'edit_file', 'web_search', 'query_database', 'send_email'),
  month: of('January', 'March', 'May', 'July', 'September', 'November'),
  n: between(2, 48),
  big: between(1_200, 98_000),
  pct: between(3, 97),
  ms: between(40, 30_000),
  port: between(3000, 9999),
  ticket: (random) => `${random.pick(['OPS', 'WEB', 'DATA', 'SUP'])}-${random.int(100, 9999)}`,
  version: (random) => `${random.int(0, 18)}.${random.int(0, 30)}.${random.int(0, 12)}`,
  hash: (random) => random.uuid().slice(0, 7),
  id: (random) => random.uuid(),
  status: of('400', '409', '413', '429', '500', '502', '503', '504'),
  money: (random) => `${random.int(10, 9000)}.${String(random.int(0, 99)).padStart(2, '0')}`,
  clock: (random) =>
    [random.int(0, 23), random.int(0, 59), random.int(0, 59)]
      .map((part) => String(part).padStart(2, '0'))
      .join(':'),
};
