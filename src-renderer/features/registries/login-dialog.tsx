import { LogIn } from 'lucide-react';
import { useForm } from 'react-hook-form';
import { toEngineError } from '../../client/notices.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { Field } from '../../ui/field.tsx';
import { type LoginRequest, useLogin } from './queries.ts';

interface LoginDialogProps {
  /** As it was known already; empty to be typed. */
  readonly registry: string;
  readonly user?: string;
  readonly onClose: () => void;
}

/** Tries them at the registry first; what it refuses is kept nowhere. */
export function LoginDialog({ registry, user = '', onClose }: LoginDialogProps) {
  const { t } = useText();
  const login = useLogin();
  const form = useForm<LoginRequest>({ defaultValues: { registry, user, password: '' } });
  const { errors } = form.formState;
  const submit = form.handleSubmit((values) => {
    login.mutate({ registry: values.registry.trim(), user: values.user.trim(), password: values.password }, { onSuccess: onClose });
  });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('registries.loginTitle')}
      description={t('registries.loginIntro')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" icon={LogIn} type="submit" form="login-form" disabled={login.isPending}>
            {login.isPending ? t('registries.trying') : t('registries.login')}
          </Button>
        </>
      }
    >
      <form id="login-form" className="stack" noValidate onSubmit={(event) => void submit(event)}>
        <Field
          label={t('registries.columnRegistry')}
          hint={t('registries.registryHint')}
          error={errors.registry?.message}
          {...form.register('registry', {
            validate: (value) =>
              value.trim() === '' ? t('registries.registryNeeded') : /\s/.test(value.trim()) ? t('pull.referenceSpace') : true,
          })}
        />
        <div className="columns-2">
          <Field
            label={t('pull.user')}
            autoComplete="username"
            error={errors.user?.message}
            {...form.register('user', { validate: (value) => value.trim() !== '' || t('registries.userNeeded') })}
          />
          <Field
            label={t('registries.password')}
            type="password"
            autoComplete="current-password"
            error={errors.password?.message}
            {...form.register('password', { validate: (value) => value !== '' || t('registries.passwordNeeded') })}
          />
        </div>
        {login.isError ? <ErrorBox title={t('registries.loginFailed')} error={toEngineError(login.error)} /> : null}
      </form>
    </Dialog>
  );
}
