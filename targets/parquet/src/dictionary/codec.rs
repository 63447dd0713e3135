//! The compression of pages.

use parquet::basic::Compression;
use parquet::errors::ParquetError;

/// Compresses pages, one after the other.
pub(super) enum Codec {
    None,
    /// Boxed for its table.
    Snappy(Box<snap::raw::Encoder>),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Codec {
    /// `None` for one that this target does not offer.
    pub(super) fn new(compression: Compression) -> Result<Option<Self>, ParquetError> {
        Ok(Some(match compression {
            Compression::UNCOMPRESSED => Self::None,
            Compression::SNAPPY => Self::Snappy(Box::new(snap::raw::Encoder::new())),
            Compression::ZSTD(level) => Self::Zstd(zstd::bulk::Compressor::new(level.compression_level())?),
            _ => return Ok(None),
        }))
    }

    pub(super) fn compress(&mut self, page: &[u8]) -> Result<Vec<u8>, ParquetError> {
        match self {
            Self::None => Ok(page.to_vec()),
            Self::Snappy(encoder) => {
                let failed = |error| ParquetError::External(Box::new(error));
                encoder.compress_vec(page).map_err(failed)
            }
            Self::Zstd(compressor) => Ok(compressor.compress(page)?),
        }
    }
}
