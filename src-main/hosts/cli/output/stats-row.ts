import type { ContainerStats } from '../../../contract/container.ts';
import { binarySize, goDuration, humanSize, shortId } from './human.ts';
import { headingsOf } from './report.ts';
import { GoFloat, struct, type GoStruct } from './template/template.ts';

export const statsHeadings = headingsOf(['Name'], {
  ID: 'ID',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemUsageBytes: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET IO',
  BlockIO: 'BLOCK IO',
  PIDS: 'PIDS',
  PIDs: 'PIDS',
  CPUTime: 'CPU TIME',
  UpTime: 'CPU TIME',
  AVGCPU: 'AVG CPU %',
  AvgCPU: 'AVG CPU %',
  ContainerID: 'CONTAINER ID',
});

/** @param average over the container's life, in percent of a core */
export function statsRow(stats: ContainerStats, options: { readonly noTruncate: boolean; readonly averagePercent: number }): GoStruct {
  const memoryPercent = stats.memoryLimitBytes > 0 ? (stats.memoryBytes / stats.memoryLimitBytes) * 100 : 0;
  const average = percent(options.averagePercent);
  const time = goDuration(stats.cpuTotalNs);
  return struct('containers.containerStats', {
    ID: options.noTruncate ? stats.id : shortId(stats.id),
    ContainerID: stats.id,
    Name: stats.name,
    CPUPerc: percent(stats.cpuPercent),
    CPU: new GoFloat(stats.cpuPercent),
    MemUsage: pair(stats.memoryBytes, stats.memoryLimitBytes, humanSize),
    MemUsageBytes: pair(stats.memoryBytes, stats.memoryLimitBytes, binarySize),
    MemPerc: percent(memoryPercent),
    NetIO: pair(stats.networkReceivedBytes, stats.networkSentBytes, humanSize),
    BlockIO: pair(stats.blockReadBytes, stats.blockWrittenBytes, humanSize),
    PIDS: String(stats.pids),
    PIDs: stats.pids,
    CPUTime: time,
    UpTime: time,
    AVGCPU: average,
    AvgCPU: average,
  });
}

function percent(value: number): string {
  return `${value.toFixed(2)}%`;
}

function pair(first: number, second: number, text: (bytes: number) => string): string {
  return `${text(first)} / ${text(second)}`;
}

export function statsJson(row: GoStruct): GoStruct {
  return {
    id: row.ID,
    name: row.Name,
    cpu_time: row.CPUTime,
    cpu_percent: row.CPUPerc,
    avg_cpu: row.AVGCPU,
    mem_usage: row.MemUsage,
    mem_percent: row.MemPerc,
    net_io: row.NetIO,
    block_io: row.BlockIO,
    pids: row.PIDS,
  };
}
