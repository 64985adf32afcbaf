//! `xfs`: what XFS counts of each file system (`/sys/fs/xfs/*/stats/stats`).

use procyon_linux::storage::xfs;

use super::{Collector, Outcome, Places, float};
use crate::metric::Metrics;

#[derive(Default)]
pub(super) struct Xfs;

type Row = (&'static str, &'static [(&'static str, &'static str)]);

/// Lines of the file, and what their numbers are called.
const ROWS: &[Row] = &[
    (
        "extent_alloc",
        &[
            ("node_xfs_extent_allocation_extents_allocated_total", "Number of extents allocated for a filesystem."),
            ("node_xfs_extent_allocation_blocks_allocated_total", "Number of blocks allocated for a filesystem."),
            ("node_xfs_extent_allocation_extents_freed_total", "Number of extents freed for a filesystem."),
            ("node_xfs_extent_allocation_blocks_freed_total", "Number of blocks freed for a filesystem."),
        ],
    ),
    (
        "abt",
        &[
            ("node_xfs_allocation_btree_lookups_total", "Number of allocation B-tree lookups for a filesystem."),
            ("node_xfs_allocation_btree_compares_total", "Number of allocation B-tree compares for a filesystem."),
            (
                "node_xfs_allocation_btree_records_inserted_total",
                "Number of allocation B-tree records inserted for a filesystem.",
            ),
            (
                "node_xfs_allocation_btree_records_deleted_total",
                "Number of allocation B-tree records deleted for a filesystem.",
            ),
        ],
    ),
    (
        "blk_map",
        &[
            ("node_xfs_block_mapping_reads_total", "Number of block map for read operations for a filesystem."),
            ("node_xfs_block_mapping_writes_total", "Number of block map for write operations for a filesystem."),
            ("node_xfs_block_mapping_unmaps_total", "Number of block unmaps (deletes) for a filesystem."),
            (
                "node_xfs_block_mapping_extent_list_insertions_total",
                "Number of extent list insertions for a filesystem.",
            ),
            ("node_xfs_block_mapping_extent_list_deletions_total", "Number of extent list deletions for a filesystem."),
            ("node_xfs_block_mapping_extent_list_lookups_total", "Number of extent list lookups for a filesystem."),
            ("node_xfs_block_mapping_extent_list_compares_total", "Number of extent list compares for a filesystem."),
        ],
    ),
    (
        "bmbt",
        &[
            ("node_xfs_block_map_btree_lookups_total", "Number of block map B-tree lookups for a filesystem."),
            ("node_xfs_block_map_btree_compares_total", "Number of block map B-tree compares for a filesystem."),
            (
                "node_xfs_block_map_btree_records_inserted_total",
                "Number of block map B-tree records inserted for a filesystem.",
            ),
            (
                "node_xfs_block_map_btree_records_deleted_total",
                "Number of block map B-tree records deleted for a filesystem.",
            ),
        ],
    ),
    (
        "dir",
        &[
            (
                "node_xfs_directory_operation_lookup_total",
                "Number of file name directory lookups which miss the operating systems directory name lookup cache.",
            ),
            (
                "node_xfs_directory_operation_create_total",
                "Number of times a new directory entry was created for a filesystem.",
            ),
            (
                "node_xfs_directory_operation_remove_total",
                "Number of times an existing directory entry was created for a filesystem.",
            ),
            (
                "node_xfs_directory_operation_getdents_total",
                "Number of times the directory getdents operation was performed for a filesystem.",
            ),
        ],
    ),
    (
        "ig",
        &[
            (
                "node_xfs_inode_operation_attempts_total",
                "Number of times the OS looked for an XFS inode in the inode cache.",
            ),
            (
                "node_xfs_inode_operation_found_total",
                "Number of times the OS looked for and found an XFS inode in the inode cache.",
            ),
            (
                "node_xfs_inode_operation_recycled_total",
                "Number of times the OS found an XFS inode in the cache, but could not use it as it was being recycled.",
            ),
            (
                "node_xfs_inode_operation_missed_total",
                "Number of times the OS looked for an XFS inode in the cache, but did not find it.",
            ),
            (
                "node_xfs_inode_operation_duplicates_total",
                "Number of times the OS tried to add a missing XFS inode to the inode cache, but found it had already been added by another process.",
            ),
            (
                "node_xfs_inode_operation_reclaims_total",
                "Number of times the OS reclaimed an XFS inode from the inode cache to free memory for another purpose.",
            ),
            (
                "node_xfs_inode_operation_attribute_changes_total",
                "Number of times the OS explicitly changed the attributes of an XFS inode.",
            ),
        ],
    ),
    (
        "rw",
        &[
            ("node_xfs_write_calls_total", "Number of write(2) system calls made to files in a filesystem."),
            ("node_xfs_read_calls_total", "Number of read(2) system calls made to files in a filesystem."),
        ],
    ),
    (
        "vnodes",
        &[
            ("node_xfs_vnode_active_total", "Number of vnodes not on free lists for a filesystem."),
            ("node_xfs_vnode_allocate_total", "Number of times vn_alloc called for a filesystem."),
            ("node_xfs_vnode_get_total", "Number of times vn_get called for a filesystem."),
            ("node_xfs_vnode_hold_total", "Number of times vn_hold called for a filesystem."),
            ("node_xfs_vnode_release_total", "Number of times vn_rele called for a filesystem."),
            ("node_xfs_vnode_reclaim_total", "Number of times vn_reclaim called for a filesystem."),
            ("node_xfs_vnode_remove_total", "Number of times vn_remove called for a filesystem."),
        ],
    ),
];

impl Collector for Xfs {
    fn update(&self, at: &Places, out: &mut Metrics) -> Outcome {
        for (device, folder) in at.devices("fs/xfs")? {
            let Ok(text) = folder.bytes("stats/stats") else { continue };
            let lines = xfs::parse(&text);
            for (name, families) in ROWS {
                let Some((_, numbers)) = lines.iter().find(|(own, _)| &**own == *name) else { continue };
                for ((name, help), value) in families.iter().zip(numbers) {
                    out.counter(*name, *help, &[("device", &device)], float(*value));
                }
            }
        }
        Ok(())
    }
}
