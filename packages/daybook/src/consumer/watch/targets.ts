import { AlertNotDelivered } from '../errors.ts';
import type { Notice } from './alert-book.ts';

/** Where alerts go. */
export interface AlertTarget {
  readonly name: string;
  /** An alert that goes on is sent again so often. Absent: it is sent once. */
  readonly repeatMs?: number | undefined;
  /**
   * The signal ends the watch: nobody waits for the answer any more.
   *
   * @throws AlertNotDelivered when it does not arrive. It is sent again at the next look.
   */
  send(notice: Notice, signal: AbortSignal): Promise<void>;
}

export interface WebhookOptions {
  readonly url: string | URL;
  /** For authentication. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly name?: string | undefined;
  /** An alert that goes on is sent again so often. */
  readonly repeatMs?: number | undefined;
}

/** The answer of a webhook is waited for so long. */
const answerMs = 10_000;

/** Says alerts in lines of text. */
export function logTarget(write: (line: string) => void): AlertTarget {
  return {
    name: 'log',
    send: async (notice) => write(lineOf(notice)),
  };
}

/** Sends alerts to a webhook that takes what Slack's do: also Mattermost's, Discord's (`/slack`), and others. */
export function slackTarget({ url, headers, name = 'slack', repeatMs = 4 * 3_600_000 }: WebhookOptions): AlertTarget {
  return {
    name,
    repeatMs,
    send: (notice, signal) => post({ url, headers, name, body: { text: lineOf(notice) }, signal }),
  };
}

/** Sends alerts to Prometheus' Alertmanager: `url` is its `/api/v2/alerts`. It wants to hear of them again and again. */
export function alertmanagerTarget(options: WebhookOptions): AlertTarget {
  const { url, headers, name = 'alertmanager', repeatMs = 60_000 } = options;
  return {
    name,
    repeatMs,
    send: ({ alert }, signal) => {
      const { rule, consumer = '', severity, summary, facts, raisedAt, resolvedAt } = alert;
      const body = {
        labels: { alertname: `daybook_consumer_${rule.replaceAll('-', '_')}`, consumer, severity },
        annotations: {
          summary,
          ...Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)])),
        },
        startsAt: raisedAt.toISOString(),
        ...(resolvedAt !== undefined && { endsAt: resolvedAt.toISOString() }),
      };
      return post({ url, headers, name, body: [body], signal });
    },
  };
}

function lineOf({ kind, alert }: Notice): string {
  const word = kind === 'resolved' ? 'RESOLVED' : kind === 'still-firing' ? 'STILL' : alert.severity.toUpperCase();
  return `${word} ${alert.rule}: ${alert.summary}`;
}

async function post(request: {
  readonly url: string | URL;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly name: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { url, headers, name, body, signal } = request;
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      // An address that leads elsewhere is not the one that was configured.
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    });
    await response.arrayBuffer();
  } catch (cause) {
    throw new AlertNotDelivered(name, cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (!response.ok) throw new AlertNotDelivered(name, `it answered ${response.status}`);
}
