import { Plus, Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { useFieldArray, useFormContext } from 'react-hook-form';
import { useText } from '../../text/text.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { CheckField, Field, SelectField } from '../../ui/field.tsx';
import type { RunValues } from './values.ts';

interface ListProps {
  readonly title: string;
  readonly hint?: string;
  readonly addLabel: string;
  readonly onAdd: () => void;
  readonly children: ReactNode;
}

function FieldList({ title, hint, addLabel, onAdd, children }: ListProps) {
  return (
    <fieldset className="field-list">
      <legend>{title}</legend>
      {hint === undefined ? null : <p className="field-hint">{hint}</p>}
      {children}
      <Button variant="quiet" icon={Plus} onClick={onAdd}>
        {addLabel}
      </Button>
    </fieldset>
  );
}

export function PortsList() {
  const { t } = useText();
  const { control, register, formState, watch } = useFormContext<RunValues>();
  const { fields, append, remove } = useFieldArray({ control, name: 'ports' });
  const network = watch('network');
  const errors = formState.errors.ports;
  return (
    <FieldList
      title={t('run.ports')}
      hint={network === 'host' || network === 'none' ? t('run.portsHostNetwork') : t('run.portsHint')}
      addLabel={t('run.addPort')}
      onAdd={() => {
        append({ hostIp: '', hostPort: '', containerPort: '', protocol: 'tcp' });
      }}
    >
      {fields.map((field, index) => (
        <div key={field.id} className="list-row ports-row">
          <Field
            label={t('run.hostPort')}
            inputMode="numeric"
            error={errors?.[index]?.hostPort?.message}
            {...register(`ports.${index}.hostPort`)}
          />
          <span className="arrow" aria-hidden>
            →
          </span>
          <Field
            label={t('run.containerPort')}
            inputMode="numeric"
            error={errors?.[index]?.containerPort?.message}
            {...register(`ports.${index}.containerPort`)}
          />
          <SelectField
            label={t('run.protocol')}
            options={['tcp', 'udp', 'sctp'].map((value) => ({ value, label: value.toUpperCase() }))}
            {...register(`ports.${index}.protocol`)}
          />
          <Field
            label={t('common.optional', { what: t('run.hostIp') })}
            placeholder="0.0.0.0"
            error={errors?.[index]?.hostIp?.message}
            {...register(`ports.${index}.hostIp`)}
          />
          <IconButton
            icon={Trash2}
            label={t('run.removePort')}
            onClick={() => {
              remove(index);
            }}
          />
        </div>
      ))}
    </FieldList>
  );
}

export function VariablesList() {
  const { t } = useText();
  const { control, register, formState } = useFormContext<RunValues>();
  const { fields, append, remove } = useFieldArray({ control, name: 'environment' });
  const errors = formState.errors.environment;
  return (
    <FieldList
      title={t('run.environment')}
      addLabel={t('run.addVariable')}
      onAdd={() => {
        append({ name: '', value: '' });
      }}
    >
      {fields.map((field, index) => (
        <div key={field.id} className="list-row variables-row">
          <Field label={t('run.variable')} error={errors?.[index]?.name?.message} {...register(`environment.${index}.name`)} />
          <Field label={t('run.value')} {...register(`environment.${index}.value`)} />
          <IconButton
            icon={Trash2}
            label={t('run.removeVariable')}
            onClick={() => {
              remove(index);
            }}
          />
        </div>
      ))}
    </FieldList>
  );
}

export function MountsList() {
  const { t } = useText();
  const { control, register, formState, watch } = useFormContext<RunValues>();
  const { fields, append, remove } = useFieldArray({ control, name: 'mounts' });
  const errors = formState.errors.mounts;
  return (
    <FieldList
      title={t('run.volumes')}
      hint={t('run.volumesHint')}
      addLabel={t('run.addMount')}
      onAdd={() => {
        append({ type: 'volume', source: '', target: '', readOnly: false });
      }}
    >
      {fields.map((field, index) => {
        const type = watch(`mounts.${index}.type`);
        return (
          <div key={field.id} className="list-row mounts-row">
            <SelectField
              label={t('run.mountType')}
              options={[
                { value: 'volume', label: t('run.mountVolume') },
                { value: 'bind', label: t('run.mountBind') },
                { value: 'tmpfs', label: t('run.mountTmpfs') },
              ]}
              {...register(`mounts.${index}.type`)}
            />
            <Field
              label={t('run.mountSource')}
              placeholder={type === 'bind' ? '/home/…' : type === 'volume' ? t('run.mountSourceVolumeHint') : ''}
              readOnly={type === 'tmpfs'}
              error={errors?.[index]?.source?.message}
              {...register(`mounts.${index}.source`)}
            />
            <span className="arrow" aria-hidden>
              →
            </span>
            <Field
              label={t('run.mountTarget')}
              placeholder="/data"
              error={errors?.[index]?.target?.message}
              {...register(`mounts.${index}.target`)}
            />
            <CheckField label={t('run.readOnly')} {...register(`mounts.${index}.readOnly`)} />
            <IconButton
              icon={Trash2}
              label={t('run.removeMount')}
              onClick={() => {
                remove(index);
              }}
            />
          </div>
        );
      })}
    </FieldList>
  );
}
