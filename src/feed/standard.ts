import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/**
 * Returns the headers that say which message this is, when it was sent and that it is ours, by Standard Webhooks
 * (standardwebhooks.com, "Signature scheme"): HMAC-SHA256 with the bytes after `whsec_`.
 */
export function signatureHeaders(
  secret: string,
  { id, text }: { id: string; text: string },
  nowMs: number,
): Record<string, string> {
  const seconds = String(Math.floor(nowMs / 1_000));
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${text}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': `v1,${signature}`,
  };
}
