//! The pages of a column chunk: the dictionary, then the numbers of its values, with what the metadata says of them.

use bytes::Bytes;
use parquet::basic::{Encoding, EncodingMask, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::codec::Codec;
use super::index::{Index, levels, long};
use super::value::Value;
use super::{Outcome, hybrid};

/// Bits of a definition level: a row has a value, or none.
const LEVEL: u8 = 1;

/// The pages of a column.
pub(super) struct Pages<'a, V> {
    /// The dictionary, in the order of statistics.
    values: &'a [V],
    codec: Codec,
    chunk: TrackedWrite<Vec<u8>>,
    sizes: Sizes,
    page: Vec<u8>,
}

/// What a chunk takes.
#[derive(Default)]
struct Sizes {
    compressed: usize,
    uncompressed: usize,
    first_data_page: Option<u64>,
    data_pages: i32,
}

impl<'a, V: Value> Pages<'a, V> {
    pub(super) fn new(values: &'a [V], codec: Codec) -> Self {
        Self {
            values,
            codec,
            chunk: TrackedWrite::new(Vec::new()),
            sizes: Sizes::default(),
            page: Vec::new(),
        }
    }

    /// Writes a dictionary and the rows: the numbers of their values, and which of them have one, unless all have.
    pub(super) fn write(
        mut self,
        rows: usize,
        numbers: &[u32],
        valid: &[bool],
        leaf: &ColumnDescPtr,
        properties: &WriterProperties,
    ) -> Result<Outcome, ParquetError> {
        self.write_dictionary()?;
        let mut index = Index::new(leaf);
        let mut rest = numbers;
        let most = properties.data_page_row_count_limit().max(1);
        for first in (0..rows).step_by(most) {
            let count = most.min(rows - first);
            let valid = valid.get(first..first + count).unwrap_or_default();
            let values = if valid.is_empty() {
                count
            } else {
                valid.iter().filter(|is_valid| **is_valid).count()
            };
            let numbers;
            (numbers, rest) = rest.split_at(values);
            let spec = self.write_page(numbers, valid, count)?;
            index.add(self.values, numbers, count, &spec);
        }
        let close = self.close_result(rows, numbers.len(), leaf, properties, index)?;
        Ok(Outcome::Encoded(
            Bytes::from(self.chunk.into_inner()?),
            Box::new(close),
        ))
    }

    fn write_dictionary(&mut self) -> Result<(), ParquetError> {
        self.page.clear();
        for value in self.values {
            value.write(&mut self.page);
        }
        let page = Page::DictionaryPage {
            buf: self.codec.compress(&self.page)?.into(),
            num_values: self.values.len() as u32,
            encoding: Encoding::PLAIN,
            is_sorted: true,
        };
        self.put(page).map(|_| ())
    }

    /// Writes a data page of `count` rows.
    fn write_page(
        &mut self,
        numbers: &[u32],
        valid: &[bool],
        count: usize,
    ) -> Result<PageWriteSpec, ParquetError> {
        let page = &mut self.page;
        page.clear();
        // The levels have their length in bytes before them.
        page.extend_from_slice(&[0; 4]);
        if valid.is_empty() {
            hybrid::write_run(1, count, LEVEL, page);
        } else {
            let levels: Vec<u32> = valid.iter().map(|is_valid| u32::from(*is_valid)).collect();
            hybrid::write(&levels, LEVEL, page);
        }
        let levels = page.len() as u32 - 4;
        page[..4].copy_from_slice(&levels.to_le_bytes());
        let width = hybrid::width(self.values.len());
        page.push(width);
        hybrid::write(numbers, width, page);
        let page = Page::DataPage {
            buf: self.codec.compress(page)?.into(),
            num_values: count as u32,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let spec = self.put(page)?;
        self.sizes.first_data_page.get_or_insert(spec.offset);
        self.sizes.data_pages += 1;
        Ok(spec)
    }

    /// Puts a page into the chunk, whose bytes before compression are in `self.page`.
    fn put(&mut self, page: Page) -> Result<PageWriteSpec, ParquetError> {
        let page = CompressedPage::new(page, self.page.len());
        let spec = SerializedPageWriter::new(&mut self.chunk).write_page(page)?;
        self.sizes.compressed += spec.compressed_size;
        self.sizes.uncompressed += spec.uncompressed_size;
        Ok(spec)
    }

    fn close_result(
        &self,
        rows: usize,
        values: usize,
        leaf: &ColumnDescPtr,
        properties: &WriterProperties,
        index: Index,
    ) -> Result<ColumnCloseResult, ParquetError> {
        let (sizes, nulls) = (&self.sizes, rows - values);
        let pages = |page_type, encoding, count| PageEncodingStats {
            page_type,
            encoding,
            count,
        };
        let encodings = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
        let (least, most) = (self.values[0], self.values[self.values.len() - 1]);
        let is_signed = leaf.sort_order().is_signed();
        let mut metadata = ColumnChunkMetaData::builder(leaf.clone())
            .set_compression(properties.compression(leaf.path()))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(vec![
                pages(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1),
                pages(PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, sizes.data_pages),
            ])
            .set_total_compressed_size(long(sizes.compressed))
            .set_total_uncompressed_size(long(sizes.uncompressed))
            .set_num_values(long(rows))
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(sizes.first_data_page.unwrap_or(0).cast_signed())
            .set_statistics(V::statistics(least, most, nulls as u64, is_signed))
            .set_definition_level_histogram(levels(nulls, values));
        if V::IS_TEXT {
            metadata = metadata.set_unencoded_byte_array_data_bytes(Some(index.text_bytes));
        }
        let (column_index, offset_index) = index.finish();
        Ok(ColumnCloseResult {
            bytes_written: sizes.compressed as u64,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: Some(column_index.build()?),
            offset_index: Some(offset_index.build()),
        })
    }
}
