// Arguments of raw tracepoints that may be null, or hold an error instead of a pointer, although nothing in the
// kernel's BTF says so (Linux 6.18, as its verifier has them and as it judged programs on each tracepoint).

const names = (text: string): string[] => text.trim().split(/\s+/);

/** Tracepoints whose first, second … argument may be null. */
const NULLABLE: readonly (readonly string[])[] = [
  names(`
    afs_protocol_error cachefiles_io_error cachefiles_lookup cachefiles_mark_active cachefiles_mark_failed
    cachefiles_mark_inactive cachefiles_ondemand_cread cachefiles_ondemand_close cachefiles_ondemand_copen
    cachefiles_ondemand_fd_release cachefiles_ondemand_fd_write cachefiles_ondemand_open cachefiles_ondemand_read
    cachefiles_prep_read cachefiles_rename cachefiles_unlink cachefiles_vfs_error mm_collapse_huge_page_isolate
    mm_page_alloc mm_page_alloc_zone_locked mm_page_pcpu_drain rxrpc_recvdata tcp_send_reset tmigr_update_events
    xfs_blockgc_flush_all xfs_blockgc_start xfs_blockgc_stop xfs_blockgc_worker xfs_defer_add_item
    xfs_defer_cancel_item xfs_defer_cancel_list xfs_defer_create_intent xfs_defer_finish_item
    xfs_defer_isolate_paused xfs_defer_item_pause xfs_defer_item_unpause xfs_defer_pending_abort
    xfs_defer_pending_finish xfs_defer_relog_intent xfs_fs_sync_fs xfs_inodegc_flush xfs_inodegc_push
    xfs_inodegc_queue xfs_inodegc_start xfs_inodegc_stop xfs_inodegc_throttle xs_stream_read_data
  `),
  names(`
    afs_flock_ev afs_make_fs_call afs_make_fs_call1 afs_make_fs_call2 afs_make_fs_calli break_lease_block
    break_lease_noblock break_lease_unblock ext4_mballoc_discard ext4_mballoc_free fcntl_setlk flock_lock_inode
    folio_wait_writeback generic_delete_lease hugetlbfs_alloc_inode locks_remove_posix
    mm_khugepaged_collapse_file mm_khugepaged_scan_file mm_khugepaged_scan_pmd netfs_failure posix_lock_inode
    rxrpc_resend sched_pi_setprio tcp_send_reset time_out_leases writeback_dirty_folio xfs_blockgc_free_space
    xfs_ioc_free_eofblocks xprt_get_cong xprt_put_cong xprt_release_cong xprt_reserve_cong
  `),
  names(`
    fib_table_lookup sched_stick_numa sched_swap_numa tcp_sendmsg_locked tegra_dma_tx_status xfs_btree_updkeys
    xfs_btree_overlapped_query_range
  `),
  names("kfree_skb qdisc_dequeue"),
  names("host1x_cdma_push_gather xfs_map_blocks_alloc xfs_map_blocks_found"),
];

/** Tracepoints of which one argument is a pointer or an error. */
const ERROR: Readonly<Record<string, number>> = { cachefiles_lookup: 2, mr_integ_alloc: 3 };

/** What is known of a tracepoint's argument `index` beside its type. */
export function tracepointArgument(name: string, index: number): "nullable" | "error" | undefined {
  if (ERROR[name] === index) return "error";
  return NULLABLE[index]?.includes(name) ? "nullable" : undefined;
}
