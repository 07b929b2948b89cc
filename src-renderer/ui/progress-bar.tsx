interface ProgressBarProps {
  readonly label: string;
  readonly value: number;
  /** 0: not known. */
  readonly total: number;
}

export function ProgressBar({ label, value, total }: ProgressBarProps) {
  const known = total > 0;
  const percent = known ? Math.min(100, (value / total) * 100) : 0;
  return (
    <div
      className={known ? 'progress' : 'progress progress-unknown'}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(known ? { 'aria-valuenow': Math.round(percent) } : {})}
    >
      <div style={{ width: known ? `${String(percent)}%` : '100%' }} />
    </div>
  );
}
