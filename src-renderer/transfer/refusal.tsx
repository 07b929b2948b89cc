import { Link } from 'react-router';
import type { EngineError } from '../../src-main/base/errors.ts';
import { useText } from '../text/text.ts';
import { ErrorBox } from '../ui/error-box.tsx';

const reasons = ['rejected', 'unsigned', 'wrong-signature', 'cannot-verify'] as const;

interface RefusalProps {
  readonly title: string;
  readonly error: EngineError;
  /** The place that was asked, or what was asked for. */
  readonly reference: string;
}

/** Why a transfer failed. What a policy or a registry has refused is said in the reader's language, with the way on. */
export function Refusal({ title, error, reference }: RefusalProps) {
  const { t } = useText();
  const { policy, requirement } = error.details;
  const reason = reasons.find((one) => one === error.details['reason']);
  const host = hostOf(reference);
  return (
    <ErrorBox
      title={title}
      error={error}
      lead={
        typeof policy === 'string' && reason ? <p>{t(`policy.${reason}`, { requirement: requirementName(requirement) })}</p> : undefined
      }
    >
      {error.code === 'unauthorized' && host !== '' ? (
        <Link className="button button-normal" to={`/registries?login=${encodeURIComponent(host)}`}>
          {t('registries.loginAt', { registry: host })}
        </Link>
      ) : null}
    </ErrorBox>
  );
}

/** The words that people know it by; Podman's own for anything else. */
function requirementName(requirement: unknown): string {
  if (requirement === 'signedBy') return 'GPG';
  return requirement === 'sigstoreSigned' ? 'sigstore' : String(requirement);
}

/** Docker Hub's when it names none; empty for what is no name of an image. */
function hostOf(reference: string): string {
  if (reference.startsWith('/')) return '';
  const bare = reference.replace(/^docker:\/\//, '');
  const head = bare.slice(0, Math.max(0, bare.indexOf('/')));
  return /[.:]/.test(head) ? head : 'docker.io';
}
